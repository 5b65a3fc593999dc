// SPDX-License-Identifier: Apache-2.0
// fs-capacitor: a stream to write to that keeps all of it in a file, for streams that read it.
//
// usage: node peer.js ingest_spilled|followers_4    standard input, as seekable_scenarios pours it
//        node peer.js lives SIZE
// Prints seconds.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { WriteStream } from "fs-capacitor";

const step = 64 * 1024;
const page = 4096;
const now = () => performance.now() / 1000;
// In steps of a file, not as a pipe's `process.stdin`: less work of the event loop by the byte.
const pour = () => createReadStream(null, { fd: 0, highWaterMark: step });
const make = () => new WriteStream({ tmpdir: () => "/var/tmp", highWaterMark: 16 * step });

function check(held, what) {
  if (held) return;
  console.error(`not as it should be: ${what}`);
  process.exit(1);
}

/** Reads on to `end`, and checks the first page that begins in every 64th chunk. */
async function follow(store, end = Infinity) {
  let done = 0;
  let chunks = 0;
  for await (const chunk of store.createReadStream({ highWaterMark: step })) {
    const at = Math.ceil(done / page) * page;
    if ((chunks++ % 64 === 0 || end !== Infinity) && at + 8 <= done + chunk.length) {
      check(Number(chunk.readBigUInt64LE(at - done)) === at, "the bytes");
    }
    done += chunk.length;
    if (done >= end) break;
  }
  return done;
}

async function drop(store) {
  const closed = once(store, "close");
  store.release();
  await closed;
}

async function ingest() {
  const started = now();
  const store = make();
  const input = pour();
  await once(input.pipe(store), "finish");
  const seconds = now() - started;
  // There is no way to the middle but from the beginning.
  const middle = Math.floor(input.bytesRead / 2);
  check((await follow(store, middle + page)) >= middle, "all is kept");
  await drop(store);
  return seconds;
}

async function followers(readers) {
  const started = now();
  const store = make();
  const all = Array.from({ length: readers }, () => follow(store));
  const input = pour();
  input.pipe(store);
  for (const done of await Promise.all(all)) check(done === input.bytesRead, "all was read");
  const seconds = now() - started;
  await drop(store);
  return seconds;
}

async function live(content, out) {
  const store = make();
  for (let at = 0; at < content.length; at += step) store.write(content.subarray(at, at + step));
  store.end();
  await once(store, "finish");
  let done = 0;
  for await (const chunk of store.createReadStream({ highWaterMark: step })) {
    chunk.copy(out, done);
    done += chunk.length;
  }
  check(done === content.length, "all was read");
  await drop(store);
}

async function average(count, content) {
  const out = Buffer.alloc(content.length);
  const started = now();
  for (let i = 0; i < count; ++i) await live(content, out);
  const seconds = now() - started;
  check(out.equals(content), "the bytes");
  return seconds / count;
}

/** Seconds of one life, once the compiler has seen enough of them. */
async function lives(size) {
  const content = randomBytes(size);
  let count = 1;
  let one = await average(count, content);
  for (; one * count < 0.2; one = await average(count, content)) count *= 2;
  return average(Math.max(5, Math.ceil(0.4 / one)), content);
}

const [job, size] = process.argv.slice(2);
if (job === "lives") console.log(await lives(Number(size)));
else if (job === "followers_4") console.log(await followers(4));
else console.log(await ingest());
