// SPDX-License-Identifier: Apache-2.0
#include "cli/help.hpp"

#ifndef SEEKABLE_VERSION
#define SEEKABLE_VERSION "unknown"
#endif

namespace seekable::cli {

std::string top_help() {
  return R"(seekable: any stream, read like a file

A pipe gives its bytes once, in order. A program that needs a file wants to seek.
seekable stands between them: it keeps the stream (in memory, then in an unnamed
file on disk), hands it to the program as a file, and leaves nothing behind.

Usage: seekable COMMAND [SOURCE] [options]

Commands:
  run    run a program on the stream as if it were a file
  cat    copy the stream, or ranges of its bytes, to standard output
  get    download a URL to a file, going on where it was interrupted
  stat   tell the size of the stream and what else is known of it

SOURCE is - (standard input, the default), a path, a URL (http:// or https://),
or --exec 'command'.

Examples:
  List a zip archive that arrives from the network:
    seekable run https://example.com/big.zip -- unzip -l {}
  Query a database in a compressed backup:
    zcat backup.sqlite.gz | seekable run -- sqlite3 {} 'select count(*) from users'
  The last 16 bytes of what a program writes:
    seekable cat --exec 'pg_dump shop' --range -16
  The last 64 KiB of a file on a server, and no more of it:
    seekable cat https://example.com/big.zip --range -65536
  How long is it?
    xzcat logs.xz | seekable stat

  seekable COMMAND --help    tells more of a command
  seekable --version         tells the version

Exit status: 0 success, 1 a failure (one line on standard error), 2 wrong usage;
of run: that of the program, 128+n if signal n killed it, 127 if it was not found.
)";
}

std::string version_text() { return "seekable " SEEKABLE_VERSION "\n"; }

const CommandHelp run_help = {
    .name = "run",
    .usage = "[SOURCE] [options] -- COMMAND [ARG | {}]...",
    .purpose = R"(Runs COMMAND on the stream as if it were a file. The whole stream is taken first;
if it fails, COMMAND is not started. Then {}, wherever it stands in an argument,
becomes a path that reads and seeks like the whole file; with no {}, the file is
COMMAND's standard input. The file cannot be written and is gone when COMMAND ends;
a SOURCE that is a regular file is given by its own path, and is not protected.
)",
    .examples = R"(Examples:
  A zip archive from the network, its central directory at the end:
    seekable run https://example.com/big.zip -- unzip -l {}
  A database, from a backup; the quotes keep the query one argument:
    zcat shop.sqlite.gz | seekable run -- sqlite3 {} 'select count(*) from users'
  A path inside an argument:
    seekable run --exec 'ssh host cat film.mp4' -- ffprobe -show_format file:{}
  As standard input, which then can seek:
    zcat disk.img.gz | seekable run -- python3 find_partitions.py
  10 GB through 5 MiB of memory, the rest on a disk of your choice:
    produce | seekable run --memory 5MiB --dir /var/tmp -- analyse {}

The path is a real name, seen by COMMAND alone (in a mount namespace of its own),
so that programs work which need one, as sqlite3. Where the system does not allow
that it is /dev/fd/N; --verbose says which, and why. A SOURCE that is a regular
file already is given by its own path.

Exit status: COMMAND's own; 128+n if signal n killed it, 127 if it was not found,
126 if it cannot be run; 1 if the source failed, 2 for wrong usage.
)"};

const CommandHelp cat_help = {
    .name = "cat",
    .usage = "[SOURCE] [options] [--range A-B]...",
    .purpose = R"(Copies the stream to standard output: exactly its bytes, or an error. With --range
only those bytes, in the order given, however the ranges lie.
)",
    .examples = R"(Examples:
  The first hundred bytes, then the last sixteen:
    produce | seekable cat --range 0-99 --range -16
  All but the first kilobyte:
    seekable cat disk.img --range 1024-
  The end of a file on a server; only that is fetched:
    seekable cat https://example.com/big.zip --range -65536
  A compressed file as it was before:
    seekable cat --decode https://example.com/log.gz
  Stop when nothing has come for ten seconds:
    nc host 9000 | seekable cat --timeout 10s > dump

A range is written as HTTP does: 0-99 is the first hundred bytes, 500- all from
byte 500 on, -16 the last sixteen. A range wholly past the end is a failure.
Without --range nothing is kept, and no file is made where --memory is 64KiB or
more and there is no --window, which is how far the source may be ahead.

Exit status: 0 success, 1 a failure (one line on standard error), 2 wrong usage.
)"};

const CommandHelp get_help = {
    .name = "get",
    .usage = "URL [options] [-o FILE]",
    .purpose =
        R"(Downloads a URL to a file. A download that was interrupted, whatever ended it, goes
on from there when the same line is run again, if the server still has the same
version. FILE stands there when it is whole, and not before.
)",
    .examples = R"(Examples:
  A file, under the name that it has in the URL:
    seekable get https://example.com/disk.img
  Under another name, with its sum checked:
    seekable get https://example.com/disk.img -o my.img --sha256 "$SUM"
  From a server that asks for a key:
    seekable get -H "Authorization: Bearer $KEY" https://example.com/a.tar
  A site that has a line of four connections:
    seekable get --connections 4 https://example.com/disk.img
  To standard output there is cat:
    seekable cat https://example.com/a.tar | seekable run -- tar -tf {}

While it runs, the bytes lie in FILE.seekable-part, and in FILE.seekable-map which of
them are there. Both are gone at the end. They stay after a failure, a signal or a
crash; delete them to give up. A server that names no version of the file (by ETag
or Last-Modified) cannot be gone on with: then nothing stays. The map holds the URL
with its query, without name and password; only the user can read it.

With --decode the file is what was compressed: FILE, if not given, loses its ending
(.gz, .zst, .xz, .bz2, .lz4), --sha256 is of that file, and a download that was
interrupted starts again from nothing.

Exit status: 0 success, 1 a failure (one line on standard error), 2 wrong usage.
)"};

const CommandHelp stat_help = {
    .name = "stat",
    .usage = "[SOURCE] [options]",
    .purpose = R"(Tells the size of the stream and what else is known of it. A stream has to be read
to its end for that, and nothing of it is kept; a regular file is only looked at,
and of a URL the server is asked; with --decode, or where it does not tell, the
stream is read.
)",
    .examples = R"(Examples:
  How long is it without the compression?
    xzcat logs.xz | seekable stat
  The same, for a program to read:
    xzcat logs.xz | seekable stat --stats 2>&1 >/dev/null | jq .size
  What does a server say of a file?
    seekable stat https://example.com/big.zip
  Does a command work to its end?
    seekable stat --exec 'pg_dump shop' && echo sound

Exit status: 0 success, 1 a failure (one line on standard error), 2 wrong usage.
)"};

}  // namespace seekable::cli
