//! Numbers of descriptors that are closed and given away while they are watched. One test alone in
//! its process: nobody else opens anything, so the system gives away the number that was closed last.
#![cfg(target_os = "linux")]

use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsRawFd, RawFd};

use greenroom::hub::{Hub, Io, Readiness, Ready, Take};
use greenroom_real::RealHub;

mod common;
use common::{await_named, finish, hub};

fn errno<T: std::fmt::Debug>(answer: io::Result<T>) -> i32 {
    answer.unwrap_err().raw_os_error().unwrap()
}

fn readiness(hub: &mut RealHub, io: Io) -> io::Result<Readiness> {
    hub.readiness(io, Readiness::READ)
}

/// A pipe whose reader has this number.
fn pipe_at(number: RawFd) -> (PipeReader, PipeWriter) {
    let (reader, writer) = io::pipe().unwrap();
    assert_eq!(reader.as_raw_fd(), number, "the lowest free number is given away");
    (reader, writer)
}

#[test]
fn a_number_given_away_is_not_taken_for_what_it_was() {
    what_is_not_open_is_ebadf();
    a_closed_number_is_ebadf_and_its_successor_is_not_it();
    a_successor_of_the_hubs_own_is_left_alone();
    a_successor_of_a_file_is_not_it();
    a_copy_stays_with_what_was_watched();
    a_number_taken_by_a_copy_is_lost_to_its_old_watch();
}

fn what_is_not_open_is_ebadf() {
    let mut hub = hub();
    let (reader, _) = io::pipe().unwrap();
    let number = reader.as_raw_fd();
    drop(reader);
    for number in [number, -1, RawFd::MAX] {
        assert_eq!(errno(hub.watch(number)), libc::EBADF);
    }
}

fn a_closed_number_is_ebadf_and_its_successor_is_not_it() {
    let mut hub = hub();
    let (reader, writer) = io::pipe().unwrap();
    let number = reader.as_raw_fd();
    let watch = hub.watch(number).unwrap();
    assert!(readiness(&mut hub, watch).unwrap().is_none());
    drop(reader);
    assert_eq!(errno(readiness(&mut hub, watch)), libc::EBADF);
    let (_reader, mut successor) = pipe_at(number);
    successor.write_all(b"x").unwrap();
    assert_eq!(errno(readiness(&mut hub, watch)), libc::EBADF);
    let mut ready = Vec::new();
    let now = hub.now();
    hub.poll(Some(now), &mut ready).unwrap();
    assert_eq!(ready, []);
    // A watch of the successor is its own, and outlives the other.
    let second = hub.watch(number).unwrap();
    hub.close(watch);
    await_named(&mut hub, second, Readiness::READ);
    drop(writer);
}

fn a_successor_of_the_hubs_own_is_left_alone() {
    let mut hub = hub();
    let (reader, writer) = io::pipe().unwrap();
    let number = reader.as_raw_fd();
    let watch = hub.watch(number).unwrap();
    drop((reader, writer));
    let (ours, theirs) = hub.pipe().unwrap();
    assert_eq!(hub.descriptor(ours).unwrap(), number);
    assert_eq!(errno(hub.recv(ours, &mut [0; 4], Take::Remove)), libc::EAGAIN);
    // Neither asking nor closing the old watch takes the reports from the new owner.
    assert_eq!(errno(readiness(&mut hub, watch)), libc::EBADF);
    for closing in [false, true] {
        if closing {
            hub.close(watch);
        }
        hub.send(theirs, b"x").unwrap();
        await_named(&mut hub, ours, Readiness::READ);
        let n = finish(&mut hub, ours, Readiness::READ, |hub| {
            hub.recv(ours, &mut [0; 4], Take::Remove)
        });
        assert_eq!(n.unwrap(), 1);
        assert_eq!(errno(hub.recv(ours, &mut [0; 4], Take::Remove)), libc::EAGAIN);
    }
}

fn a_successor_of_a_file_is_not_it() {
    let mut hub = hub();
    let file = std::fs::File::open("/dev/null").unwrap();
    let number = file.as_raw_fd();
    let watch = hub.watch(number).unwrap();
    assert_eq!(readiness(&mut hub, watch).unwrap(), Readiness::READ);
    drop(file);
    assert_eq!(errno(readiness(&mut hub, watch)), libc::EBADF);
    let _successor = pipe_at(number);
    assert_eq!(errno(readiness(&mut hub, watch)), libc::EBADF);
}

fn a_copy_stays_with_what_was_watched() {
    let mut hub = hub();
    let (reader, mut writer) = io::pipe().unwrap();
    let number = reader.as_raw_fd();
    let [by_number, by_copy] = [(); 2].map(|()| hub.watch(number).unwrap());
    assert!(readiness(&mut hub, by_copy).unwrap().is_none());
    drop(reader);
    let (_reader, _successor) = pipe_at(number);
    assert_eq!(errno(readiness(&mut hub, by_number)), libc::EBADF);
    assert!(readiness(&mut hub, by_copy).unwrap().is_none());
    writer.write_all(b"x").unwrap();
    await_named(&mut hub, by_copy, Readiness::READ);
    hub.close(by_copy);
    assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

fn a_number_taken_by_a_copy_is_lost_to_its_old_watch() {
    let mut hub = hub();
    let (other, mut writer) = io::pipe().unwrap();
    let (reader, _unused) = io::pipe().unwrap();
    let number = reader.as_raw_fd();
    let lost = hub.watch(number).unwrap();
    let first = hub.watch(other.as_raw_fd()).unwrap();
    drop(reader);
    let by_copy = hub.watch(other.as_raw_fd()).unwrap();
    // The copy that the second watch goes by has the number now.
    assert_eq!(errno(readiness(&mut hub, lost)), libc::EBADF);
    hub.close(lost);
    writer.write_all(b"x").unwrap();
    let mut awaited = vec![first, by_copy];
    while !awaited.is_empty() {
        let mut ready = Vec::new();
        hub.poll(None, &mut ready).unwrap();
        awaited
            .retain(|io| !ready.iter().any(|event| matches!(event, Ready::Io(of, _) if of == io)));
    }
}
