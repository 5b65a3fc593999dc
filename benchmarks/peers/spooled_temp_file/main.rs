// SPDX-License-Identifier: Apache-2.0
//! Rust's `SpooledTempFile`, of the crate `tempfile`.
//!
//! usage: spooled_temp_file ingest_spilled|ingest_memory    standard input, as it is poured
//!        spooled_temp_file lives SIZE
//! Prints seconds.
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::os::unix::io::FromRawFd;
use std::time::Instant;
use tempfile::SpooledTempFile;

const STEP: usize = 64 * 1024;
const PAGE: u64 = 4096;
const LIMIT: usize = 5 * 1024 * 1024;

fn ingest(limit: usize) -> std::io::Result<f64> {
    // The standard library's own standard input would copy every byte once more.
    let mut input = ManuallyDrop::new(unsafe { File::from_raw_fd(0) });
    let mut buffer = vec![0; STEP];
    let started = Instant::now();
    let mut store = SpooledTempFile::new(limit);
    let mut size = 0;
    loop {
        let got = input.read(&mut buffer)?;
        if got == 0 {
            break;
        }
        store.write_all(&buffer[..got])?;
        size += got as u64;
    }
    let seconds = started.elapsed().as_secs_f64();
    let middle = size / 2 / PAGE * PAGE;
    let mut stamp = [0; 8];
    store.seek(SeekFrom::Start(middle))?;
    store.read_exact(&mut stamp)?;
    assert_eq!(u64::from_le_bytes(stamp), middle, "the bytes");
    Ok(seconds)
}

fn live(content: &[u8], out: &mut [u8]) -> std::io::Result<()> {
    let mut store = SpooledTempFile::new(LIMIT);
    for part in content.chunks(STEP) {
        store.write_all(part)?;
    }
    store.seek(SeekFrom::Start(0))?;
    store.read_exact(out)
}

/// Seconds of one life, after some that are not counted.
fn lives(size: usize) -> std::io::Result<f64> {
    let content: Vec<u8> = (0..size).map(|at| (at * at / 251) as u8).collect();
    let mut out = vec![0; size];
    let mut average = |count: u64| -> std::io::Result<f64> {
        let started = Instant::now();
        for _ in 0..count {
            live(&content, &mut out)?;
        }
        assert!(out == content, "the bytes");
        Ok(started.elapsed().as_secs_f64() / count as f64)
    };
    let mut count = 1;
    let mut one = average(count)?;
    while one * (count as f64) < 0.05 {
        count *= 2;
        one = average(count)?;
    }
    average(5.max((0.4 / one) as u64))
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let seconds = match words[1].as_str() {
        "lives" => lives(words[2].parse().expect("a size"))?,
        "ingest_memory" => ingest(usize::MAX)?,
        _ => ingest(LIMIT)?,
    };
    println!("{}", seconds);
    Ok(())
}
