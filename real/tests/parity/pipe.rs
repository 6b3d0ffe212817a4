//! Pipes.

use std::io::{IoSlice, IoSliceMut, Read, Write};

use super::pipes::pipe;
use super::stage::Seen;
use super::thread;

pub fn exchange() -> String {
    let mut seen = Seen::default();
    let (mut reader, mut writer) = pipe().unwrap();
    seen.says(reader.read(&mut []));
    seen.says(writer.write(b""));
    seen.says(writer.write(b"abc"));
    seen.says(writer.write_vectored(&[IoSlice::new(b"de"), IoSlice::new(b"f")]));
    seen.says(writer.flush());
    let (mut a, mut b) = ([0; 4], [0; 4]);
    seen.says(reader.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]));
    seen.note(format!("{a:?} {b:?}"));
    let reading = thread::spawn(move || {
        let mut all = String::new();
        reader.read_to_string(&mut all).map(|_| all)
    });
    thread::yield_now();
    writer.write_all(b"the rest").unwrap();
    drop(writer);
    seen.says(reading.join().unwrap());
    seen.all()
}

pub fn no_reader() -> String {
    let mut seen = Seen::default();
    let (reader, mut writer) = pipe().unwrap();
    drop(reader);
    seen.says(writer.write(b"x"));
    seen.says(writer.write(b""));
    seen.says(writer.write(b"x"));
    seen.all()
}

pub fn clones() -> String {
    let mut seen = Seen::default();
    let (reader, writer) = pipe().unwrap();
    let (other_reader, other_writer) = (reader.try_clone().unwrap(), writer.try_clone().unwrap());
    drop(writer);
    seen.says((&other_writer).write(b"ab"));
    seen.says((&reader).read(&mut [0; 1]));
    drop(reader);
    seen.says((&other_reader).read(&mut [0; 4]));
    drop(other_writer);
    seen.says((&other_reader).read(&mut [0; 4]));
    seen.all()
}

pub fn fills() -> String {
    let mut seen = Seen::default();
    let (mut reader, mut writer) = pipe().unwrap();
    let writing = thread::spawn(move || writer.write_all(&vec![7; 300_000]));
    let mut all = Vec::new();
    seen.says(reader.read_to_end(&mut all));
    seen.says(writing.join().unwrap());
    seen.all()
}
