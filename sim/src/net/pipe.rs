//! Pipes: 16 pages between the end that is read and the end that is written, as on Linux.
//!
//! What is written can be read in the same instant. A write of at most a page (`PIPE_BUF`) goes in
//! whole or not at all; a larger one as far as there are pages. A page is free again once all of it
//! was read, so a writer may have to wait with thousands of bytes to spare.

use std::collections::VecDeque;
use std::io;

use greenroom::hub::{Io, Readiness, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::readiness;
use crate::socket::Proto;
use crate::socket::pipe::{PipeEnd, put_into, take_from};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn make(world: &mut World) -> io::Result<(Io, Io)> {
    let host = world.host_here();
    let mut end = |end: PipeEnd| {
        let path = world.path_for_socket(".pipe");
        let id = world.add_socket(host, path, Proto::Pipe(end));
        (id, world.add_descriptor(id))
    };
    let (reader, read) = end(PipeEnd::Read { pages: VecDeque::new(), writer: None });
    let (writer, write) = end(PipeEnd::Write { reader: Some(reader) });
    let pages = VecDeque::new();
    world.sockets[reader].proto = Proto::Pipe(PipeEnd::Read { pages, writer: Some(writer) });
    world.record_pair("pipe", reader, writer);
    Ok((read, write))
}

pub(crate) fn read(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<usize> {
    let number = world.sockets[id].number;
    let Proto::Pipe(PipeEnd::Read { pages, writer }) = &mut world.sockets[id].proto else {
        return Err(errno(libc::EBADF));
    };
    if take == Take::Peek {
        return Err(errno(libc::ENOTSOCK));
    }
    let writer = *writer;
    if pages.is_empty() && writer.is_some() && !buf.is_empty() {
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    }
    let length = take_from(pages, buf);
    world.trace.carry(&buf[..length]);
    let read = Call::Read { socket: number, bytes: length as u64, is_urgent: false };
    world.record(Actor::Running, read);
    if length > 0 {
        world.stirred = true;
        writer.into_iter().for_each(|writer| readiness::tell(world, writer));
    }
    Ok(length)
}

pub(crate) fn write(world: &mut World, io: Io, id: SocketId, buf: &[u8]) -> io::Result<usize> {
    let number = world.sockets[id].number;
    let Proto::Pipe(PipeEnd::Write { reader }) = world.sockets[id].proto else {
        return Err(errno(libc::EBADF));
    };
    if buf.is_empty() {
        return Ok(0);
    }
    let Some(reader) = reader else { return Err(errno(libc::EPIPE)) };
    let Proto::Pipe(PipeEnd::Read { pages, .. }) = &mut world.sockets[reader].proto else {
        return Err(errno(libc::EPIPE));
    };
    let length = put_into(pages, buf);
    if length == 0 {
        world.want(io, Readiness::WRITE);
        return Err(errno(libc::EAGAIN));
    }
    let (bytes, payload) = (length as u64, world.trace.payload(&buf[..length]));
    let written = Call::Write { socket: number, bytes, payload, is_urgent: false };
    world.record(Actor::Running, written);
    readiness::tell(world, reader);
    Ok(length)
}

/// The last descriptor of an end is gone: readers find the end, writers a broken pipe.
pub(crate) fn close(world: &mut World, id: SocketId) {
    let other = match world.sockets[id].proto {
        Proto::Pipe(PipeEnd::Read { writer, .. }) => writer,
        Proto::Pipe(PipeEnd::Write { reader }) => reader,
        _ => None,
    };
    world.forget_socket(id);
    let Some(other) = other else { return };
    match &mut world.sockets[other].proto {
        Proto::Pipe(PipeEnd::Read { writer, .. }) => *writer = None,
        Proto::Pipe(PipeEnd::Write { reader }) => *reader = None,
        _ => {}
    }
    readiness::tell(world, other);
}

#[cfg(test)]
mod tests {
    use greenroom::hub::{Domain, Hub, Kind, Readiness, Take};

    use crate::testing::{self, code, fill, is_polled, ready, recv, send};

    /// 222, 223, 227, 229
    #[test]
    fn bytes_go_one_way_until_the_writer_is_gone() {
        let hub = &mut testing::hub();
        let (read, write) = hub.pipe().expect("a pipe");
        assert_eq!((ready(hub, read), ready(hub, write)), ((false, false), (false, true)));
        assert_eq!(recv(hub, read, 9), Err(libc::EAGAIN));
        assert_eq!(recv(hub, read, 0), Ok(vec![]));
        assert_eq!([send(hub, write, b"ab"), send(hub, write, b"c")], [Ok(2), Ok(1)]);
        assert!(is_polled(hub, read, Readiness::READ));
        assert_eq!(recv(hub, write, 1), Err(libc::EBADF));
        assert_eq!(send(hub, read, b"x"), Err(libc::EBADF));
        hub.close(write);
        assert_eq!(recv(hub, read, 9), Ok(b"abc".into()));
        assert_eq!(ready(hub, read), (true, true), "hung up");
        assert_eq!([recv(hub, read, 9), recv(hub, read, 9)], [Ok(vec![]), Ok(vec![])]);
    }

    #[test]
    fn the_last_writer_ends_a_read_that_waits() {
        let hub = &mut testing::hub();
        let (read, write) = hub.pipe().expect("a pipe");
        let second = hub.dup(write).expect("it is open");
        assert_eq!(recv(hub, read, 9), Err(libc::EAGAIN));
        hub.close(write);
        assert_eq!(testing::polled(hub), []);
        hub.close(second);
        assert!(is_polled(hub, read, Readiness::READ));
        assert_eq!(recv(hub, read, 9), Ok(vec![]));
    }

    /// 224
    #[test]
    fn the_last_reader_breaks_the_pipe() {
        let hub = &mut testing::hub();
        let (read, write) = hub.pipe().expect("a pipe");
        fill(hub, write, 4096);
        hub.close(read);
        assert!(is_polled(hub, write, Readiness::WRITE));
        assert_eq!([send(hub, write, b"x"), send(hub, write, b"")], [Err(libc::EPIPE), Ok(0)]);
    }

    /// 225
    #[test]
    fn writes_share_a_page_only_whole() {
        let hub = &mut testing::hub();
        let (_read, write) = hub.pipe().expect("a pipe");
        assert_eq!(fill(hub, write, 1), (65_536, 61_441));
        let (read, write) = hub.pipe().expect("a pipe");
        assert_eq!(fill(hub, write, 1000).0, 64_000);
        assert_eq!(send(hub, write, &[7]), Ok(1));
        assert_eq!(recv(hub, read, 1), Ok(vec![7]));
        assert_eq!(send(hub, write, &[7]), Ok(1));
        assert_eq!(ready(hub, write), (false, false));
        let mut drained = 1;
        while !is_polled(hub, write, Readiness::WRITE) {
            drained += recv(hub, read, 1).expect("bytes are there").len();
        }
        assert_eq!(drained, 4000);
        assert_eq!(send(hub, write, &[7; 5000]), Ok(4096));
    }

    /// 226
    #[test]
    fn a_page_goes_whole_and_more_than_a_page_as_far_as_it_fits() {
        let hub = &mut testing::hub();
        let (read, write) = hub.pipe().expect("a pipe");
        let all = vec![7; 200_000];
        assert_eq!(
            [send(hub, write, &all), send(hub, write, &all)],
            [Ok(65_536), Err(libc::EAGAIN)]
        );
        assert_eq!(recv(hub, read, 5000).map(|bytes| bytes.len()), Ok(5000));
        let sent = [send(hub, write, &all[..4096]), send(hub, write, &all[..4097])];
        assert_eq!(sent, [Ok(4096), Err(libc::EAGAIN)]);

        let (_read, write) = hub.pipe().expect("a pipe");
        assert_eq!(send(hub, write, &all[..15 * 4096]), Ok(15 * 4096));
        assert_eq!(send(hub, write, &all[..4097]), Ok(4096));

        let (_read, write) = hub.pipe().expect("a pipe");
        assert_eq!(send(hub, write, &all[..65_440]), Ok(65_440));
        let sent = [send(hub, write, &all[..4096]), send(hub, write, &all[..5000])];
        assert_eq!(sent, [Err(libc::EAGAIN); 2]);
        assert_eq!(send(hub, write, &all[..96]), Ok(96));
    }

    /// 24
    #[test]
    fn a_pipe_is_no_socket() {
        let hub = &mut testing::hub();
        let (read, write) = hub.pipe().expect("a pipe");
        let address = testing::path("/a");
        assert_eq!(code(hub.connect(write, &address)), Err(libc::ENOTSOCK));
        assert_eq!(code(hub.accept(read)).err(), Some(libc::ENOTSOCK));
        assert_eq!(code(hub.local_addr(read)).err(), Some(libc::ENOTSOCK));
        assert_eq!(code(hub.recv(read, &mut [0], Take::Peek)), Err(libc::ENOTSOCK));
        assert_eq!(code(hub.shutdown(read, std::net::Shutdown::Both)), Err(libc::ENOTSOCK));
        assert_eq!(code(hub.pair(Domain::V4, Kind::Stream)).err(), Some(libc::EOPNOTSUPP));
    }
}
