//! Pipes: bytes one way, held back when full, whole up to a page, and an end on either side.

use std::io::{self, Read, Write};

use greenroom::io::{PipeWriter, pipe};
use greenroom::thread;
use greenroom::time::Duration;

use super::{Law, kind};
use crate::common::{Complaints, join_all, spawn};

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("pipe", "a pipe gives bytes in order, and ends when the last writer is gone", bytes),
    ("pipe-wakes", "a reader that waits hears the last writer go", wakes),
    ("pipe-broken", "a pipe breaks when the last reader is gone", broken),
    ("pipe-full", "a pipe that is full holds the writer back, and loses nothing", full),
    ("pipe-whole", "what writers write at once, up to 512 bytes, stays together", whole),
];

fn bytes(complaints: &Complaints) -> io::Result<()> {
    let (mut reader, mut writer) = pipe()?;
    let mut second = writer.try_clone()?;
    writer.write_all(b"one, ")?;
    drop(writer);
    second.write_all(b"two")?;
    drop(second);
    let mut all = String::new();
    reader.read_to_string(&mut all)?;
    complaints.unless(all == "one, two", || all.clone());
    let after = kind(reader.read(&mut [0]));
    complaints.unless(after == Ok(0), || format!("behind the end: {after:?}"));
    Ok(())
}

fn wakes(complaints: &Complaints) -> io::Result<()> {
    let (mut reader, writer) = pipe()?;
    let waiting = spawn("reader", move || kind(reader.read(&mut [0])))?;
    thread::sleep(Duration::from_millis(5));
    complaints.unless(!waiting.is_finished(), || "a read of an empty pipe did not wait".into());
    drop(writer);
    let woken = waiting.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(woken == Ok(0), || format!("{woken:?}"));
    Ok(())
}

/// Writes until the pipe is broken; how that was said.
fn write_on(mut writer: PipeWriter) -> io::ErrorKind {
    loop {
        if let Err(error) = writer.write(&[7; 4096]) {
            return error.kind();
        }
    }
}

fn broken(complaints: &Complaints) -> io::Result<()> {
    let (reader, writer) = pipe()?;
    let parked = spawn("writer", move || write_on(writer))?;
    thread::sleep(Duration::from_millis(5));
    complaints.unless(!parked.is_finished(), || "a full pipe took more".into());
    drop(reader);
    let told = parked.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(told == io::ErrorKind::BrokenPipe, || format!("{told:?}"));
    Ok(())
}

fn full(complaints: &Complaints) -> io::Result<()> {
    const LENGTH: usize = 300_000;
    let byte_at = |place: usize| (place % 251) as u8;
    let (mut reader, mut writer) = pipe()?;
    let writing = spawn("writer", move || {
        let all: Vec<u8> = (0..LENGTH).map(byte_at).collect();
        writer.write_all(&all)
    })?;
    thread::sleep(Duration::from_millis(5));
    complaints.unless(!writing.is_finished(), || "a full pipe took all".into());
    let mut all = Vec::new();
    reader.read_to_end(&mut all)?;
    let right = all.len() == LENGTH && all.iter().enumerate().all(|(at, &b)| b == byte_at(at));
    complaints.unless(right, || format!("{} bytes came, or others", all.len()));
    join_all([writing])
}

/// 512 bytes are what POSIX promises; Linux keeps a page together.
fn whole(complaints: &Complaints) -> io::Result<()> {
    const LENGTH: usize = 500;
    const COUNT: usize = 300;
    let (mut reader, writer) = pipe()?;
    let mut writers = Vec::new();
    for letter in [b'a', b'b', b'c'] {
        let mut writer = writer.try_clone()?;
        writers.push(spawn("writer", move || {
            (0..COUNT).try_for_each(|_| {
                let count = writer.write(&[letter; LENGTH])?;
                if count == LENGTH { Ok(()) } else { Err(io::Error::other("a write was parted")) }
            })
        })?);
    }
    drop(writer);
    let mut all = Vec::new();
    // Not a divisor of anything written, so that pages empty at odd places.
    let mut buf = [0; 777];
    while let count @ 1.. = reader.read(&mut buf)? {
        all.extend_from_slice(&buf[..count]);
        thread::yield_now();
    }
    complaints.unless(all.len() == 3 * COUNT * LENGTH, || format!("{} bytes came", all.len()));
    let parted = all.chunks(LENGTH).filter(|one| one.iter().any(|byte| *byte != one[0])).count();
    complaints.unless(parted == 0, || format!("{parted} writes were mixed with others"));
    join_all(writers)
}
