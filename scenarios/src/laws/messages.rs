//! Messages: what goes with bytes, and what is said of them.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use greenroom::io::{PipeReader, pipe};
use greenroom::net::{
    Control, Domain, MsgHdr, MsgHdrMut, PacketInfoV4, PacketInfoV6, ReceivedControl, RecvFlags,
    Shutdown, SockAddr, Socket, SocketAddr, Source, TcpListener, TcpStream, Type, UdpSocket,
};
use greenroom::os::unix::net::UnixStream;
use greenroom::time::Duration;
use greenroom::wait::wait_read;

use super::{EBADF, EINVAL, Law, code};
use crate::common::Complaints;

pub(super) const LAWS: &[(&str, &str, Law)] = &[
    ("message", "a message has an address, buffers and flags", message),
    ("rights", "a handle that goes with a message stays open, and works where it comes", rights),
    ("rights-stream", "a read of a stream takes the handles of one write", rights_of_a_stream),
    ("rights-lost", "handles that nobody receives are closed", rights_lost),
    ("rights-refused", "handles that cannot go are refused, and nothing is sent", rights_refused),
    ("packet-info", "a datagram says where it came to, and leaves from where it is told", info),
    ("unread", "a message of TCP says how much is left to read", unread),
    ("more", "what more belongs to leaves together", more),
    ("close-on-exec", "a descriptor is closed on exec unless it is told otherwise", cloexec),
];

/// What one receive gives.
struct Got {
    bytes: Vec<u8>,
    flags: RecvFlags,
    control: Vec<ReceivedControl>,
    from: SockAddr,
}

fn recv(socket: &Socket, room: usize, flags: i32) -> io::Result<Got> {
    let (mut bytes, mut control) = (vec![0; room], Vec::new());
    let mut from = SockAddr::from(SocketAddr::from(([0; 4], 1)));
    let mut bufs = [IoSliceMut::new(&mut bytes)];
    let mut message =
        MsgHdrMut::new().with_addr(&mut from).with_buffers(&mut bufs).with_control(&mut control);
    let n = socket.recvmsg(&mut message, flags)?;
    let flags = message.flags();
    bytes.truncate(n);
    Ok(Got { bytes, flags, control, from })
}

impl Got {
    fn rights(self) -> Vec<Socket> {
        let of = |control| match control {
            ReceivedControl::Rights(handles) => handles,
            _ => Vec::new(),
        };
        self.control.into_iter().flat_map(of).collect()
    }
}

fn send(socket: &Socket, bytes: &[u8], rights: &[&dyn Source]) -> io::Result<usize> {
    let (bufs, control) = ([IoSlice::new(bytes)], [Control::Rights(rights)]);
    let message = MsgHdr::new().with_buffers(&bufs);
    match rights {
        [] => socket.sendmsg(&message, 0),
        _ => socket.sendmsg(&message.with_control(&control), 0),
    }
}

fn pair(ty: Type) -> io::Result<(Socket, Socket)> {
    Socket::pair(Domain::UNIX, ty, None)
}

fn udp(ip: &str) -> io::Result<Socket> {
    UdpSocket::bind((ip, 0)).map(Socket::from)
}

fn port(socket: &Socket) -> io::Result<u16> {
    Ok(socket.local_addr()?.as_socket().map_or(0, |local| local.port()))
}

fn message(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = (udp("127.0.0.1")?, udp("127.0.0.1")?);
    let to = far.local_addr()?;
    let bufs = [IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"def")];
    let sent = near.sendmsg(&MsgHdr::new().with_addr(&to).with_buffers(&bufs), 0)?;
    let looked = recv(&far, 4, libc::MSG_PEEK)?;
    let (mut one, mut other) = ([0; 2], [0; 2]);
    let mut parts = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut other)];
    let (n, flags, from) = far.recv_from_vectored(&mut parts)?;
    complaints.unless(sent == 6 && n == 4 && looked.bytes == b"abcd", || format!("{sent} {n}"));
    complaints.unless(looked.flags.is_truncated() && flags.is_truncated(), || "not cut".into());
    let named = [&looked.from, &from].map(|from| from.as_socket());
    complaints.unless(named == [near.local_addr()?.as_socket(); 2], || format!("{named:?}"));
    near.send_to(b"whole", &to)?;
    let whole = recv(&far, 5, 0)?;
    complaints.unless(whole.flags == RecvFlags::default(), || format!("{:?}", whole.flags));
    let nothing = code(recv(&far, 5, libc::MSG_DONTWAIT).map(|got| got.bytes));
    complaints.unless(nothing == Err(Some(libc::EAGAIN)), || format!("{nothing:?}"));

    let (near, far) = pair(Type::SEQPACKET)?;
    near.send(b"record")?;
    let cut = recv(&far, 3, 0)?;
    complaints.unless(cut.bytes == b"rec" && cut.flags.is_truncated(), || "a record".into());
    complaints.unless(!cut.flags.is_end_of_record(), || "Linux marks no record".into());

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    (&near).write_all(b"stream")?;
    let part = recv(&Socket::from(far), 3, 0)?;
    complaints
        .unless(b"str".starts_with(&part.bytes) && !part.flags.is_truncated(), || "cut".into());
    complaints.unless(part.from.is_unnamed(), || format!("{:?}", part.from));
    Ok(())
}

fn rights(complaints: &Complaints) -> io::Result<()> {
    for ty in [Type::STREAM, Type::DGRAM, Type::SEQPACKET] {
        let (near, far) = pair(ty)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept()?;
        let (reader, mut writer) = pipe()?;
        send(&near, b"two", &[&server, &reader])?;
        // What is on its way is open, though nobody has it.
        drop((server, reader));
        client.write_all(b"for whom it concerns")?;
        writer.write_all(b"through the wall")?;
        let got = recv(&far, 9, 0)?;
        complaints.unless(got.bytes == b"two", || format!("{:?}", got.bytes));
        complaints.unless(!got.flags.is_control_truncated(), || "something is lost".into());
        let mut handles = got.rights();
        complaints.unless(handles.len() == 2, || format!("{} handles", handles.len()));
        let (Some(reader), Some(server)) = (handles.pop(), handles.pop()) else { return Ok(()) };
        client.shutdown(Shutdown::Write)?;
        drop(writer);
        let mut text = String::new();
        TcpStream::from(server).read_to_string(&mut text)?;
        PipeReader::from(reader).read_to_string(&mut text)?;
        complaints.unless(text == "for whom it concernsthrough the wall", || text);
        // The handle came to the far end's holder, who dropped it.
        complaints.unless(client.read(&mut [0; 1])? == 0, || "it is open still".into());
    }
    Ok(())
}

fn rights_of_a_stream(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = pair(Type::STREAM)?;
    let (one, _other) = UnixStream::pair()?;
    for (bytes, passed) in [(b"ab", false), (b"cd", true), (b"ef", false), (b"gh", true)] {
        match passed {
            true => send(&near, bytes, &[&one])?,
            false => near.send(bytes)?,
        };
    }
    near.send(b"ij")?;
    // Whatever the reads are cut to, each handle comes with the first byte of its write, and no read
    // goes beyond a write that had one.
    let (mut seen, mut ends) = (Vec::<u8>::new(), Vec::new());
    while seen.len() < 10 {
        let looked = recv(&far, 99, libc::MSG_PEEK)?;
        let got = recv(&far, 99, 0)?;
        let is_prefix =
            looked.bytes.starts_with(&got.bytes) || got.bytes.starts_with(&looked.bytes);
        complaints.unless(is_prefix, || format!("{:?} {:?}", looked.bytes, got.bytes));
        seen.extend(&got.bytes);
        if !got.rights().is_empty() {
            ends.push(seen.len());
        }
    }
    complaints.unless(seen == b"abcdefghij", || format!("{seen:?}"));
    complaints.unless(ends == [4, 8], || format!("handles came by {ends:?}"));
    send(&near, b"klmn", &[&one])?;
    let part = recv(&far, 2, 0)?;
    complaints.unless(part.bytes == b"kl" && part.rights().len() == 1, || "a part".into());
    let rest = recv(&far, 9, 0)?;
    complaints.unless(rest.bytes == b"mn" && rest.rights().is_empty(), || "the rest".into());
    // Without a byte nothing is sent.
    complaints.unless(send(&near, b"", &[&one])? == 0, || "an empty write".into());
    let nothing = code(recv(&far, 9, libc::MSG_DONTWAIT).map(|got| got.bytes));
    complaints.unless(nothing == Err(Some(libc::EAGAIN)), || format!("{nothing:?}"));
    Ok(())
}

fn rights_lost(complaints: &Complaints) -> io::Result<()> {
    let is_closed = |mut kept: UnixStream, how: &str| {
        kept.set_read_timeout(Some(Duration::from_secs(5)))?;
        let end = code(kept.read(&mut [0; 1]));
        complaints.unless(end == Ok(0), || format!("{how}: {end:?}"));
        Ok::<_, io::Error>(())
    };
    let sent = |ty| {
        let (near, far) = pair(ty)?;
        let (kept, given) = UnixStream::pair()?;
        send(&near, b"x", &[&given])?;
        Ok::<_, io::Error>((near, far, kept))
    };
    for ty in [Type::STREAM, Type::DGRAM, Type::SEQPACKET] {
        let (_near, far, kept) = sent(ty)?;
        far.recv(&mut [0; 1])?;
        is_closed(kept, "a plain read")?;
        let (_near, far, kept) = sent(ty)?;
        let mut byte = [0];
        let (_, flags) = far.recv_vectored(&mut [IoSliceMut::new(&mut byte)])?;
        complaints.unless(flags.is_control_truncated(), || "nothing is said to be lost".into());
        is_closed(kept, "a receive without room")?;
        let (_near, far, kept) = sent(ty)?;
        drop(far);
        is_closed(kept, "a receiver that closes")?;
        let (_near, far, kept) = sent(ty)?;
        drop(recv(&far, 1, libc::MSG_PEEK)?.rights());
        drop(recv(&far, 1, 0)?.rights());
        is_closed(kept, "two that look")?;
    }
    // One within another.
    let (near, far, kept) = sent(Type::STREAM)?;
    let (outer, end) = pair(Type::STREAM)?;
    send(&outer, b"x", &[&far])?;
    drop((far, near));
    drop((outer, end));
    is_closed(kept, "one in another")
}

fn rights_refused(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = pair(Type::STREAM)?;
    let (one, closed) = UnixStream::pair()?;
    let many: Vec<&dyn Source> = vec![&one; 254];
    let too_many = code(send(&near, b"x", &many));
    complaints.unless(too_many == Err(Some(EINVAL)), || format!("254: {too_many:?}"));
    closed.close();
    let stale = code(send(&near, b"x", &[&closed]));
    complaints.unless(stale == Err(Some(EBADF)), || format!("a closed one: {stale:?}"));
    let nothing = code(recv(&far, 9, libc::MSG_DONTWAIT).map(|got| got.bytes));
    complaints.unless(nothing == Err(Some(libc::EAGAIN)), || format!("{nothing:?}"));
    complaints.unless(send(&near, b"x", &many[..253])? == 1, || "253".into());
    let got = recv(&far, 9, 0)?.rights().len();
    complaints.unless(got == 253, || format!("{got} of 253"));
    // Elsewhere they count for nothing.
    let (near, far) = (udp("127.0.0.1")?, udp("127.0.0.1")?);
    near.connect(&far.local_addr()?)?;
    send(&near, b"x", &[&one])?;
    let got = recv(&far, 9, 0)?;
    complaints.unless(got.bytes == b"x" && got.rights().is_empty(), || "over UDP".into());
    Ok(())
}

/// linux-truth 198, 199
fn info(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = (udp("127.0.0.1")?, udp("127.0.0.5")?);
    far.set_recv_packet_info_v4(true)?;
    let at = |ip: [u8; 4]| Ok::<_, io::Error>(SockAddr::from(SocketAddr::from((ip, port(&far)?))));
    near.send_to(b"x", &at([127, 0, 0, 5])?)?;
    let five = Ipv4Addr::new(127, 0, 0, 5);
    let expected = PacketInfoV4 { interface: 1, local: five, destination: five };
    let got = recv(&far, 9, 0)?;
    let is_so = matches!(got.control[..], [ReceivedControl::PacketInfoV4(it)] if it == expected);
    complaints.unless(is_so, || format!("{:?}", got.control));
    let bufs = [IoSlice::new(b"y")];
    let from = |local: [u8; 4], interface| {
        let destination = Ipv4Addr::UNSPECIFIED;
        let info = PacketInfoV4 { interface, local: local.into(), destination };
        let (control, to) = ([Control::PacketInfoV4(info)], at([127, 0, 0, 5])?);
        let message = MsgHdr::new().with_addr(&to).with_buffers(&bufs).with_control(&control);
        near.sendmsg(&message, 0)
    };
    from([127, 0, 0, 9], 0)?;
    let came_from = recv(&far, 9, 0)?.from.as_socket().map(|from| from.ip());
    complaints.unless(came_from == Some([127, 0, 0, 9].into()), || format!("{came_from:?}"));
    let refused = [code(from([203, 0, 113, 7], 0)), code(from([0; 4], 99))];
    let expected = [Err(Some(libc::ENETUNREACH)), Err(Some(libc::ENODEV))];
    complaints.unless(refused == expected, || format!("{refused:?}"));
    complaints.unless(code(from([224, 0, 0, 9], 0)) == Err(Some(EINVAL)), || "a group".into());

    let (near, far) = (udp("::1")?, udp("::1")?);
    far.set_recv_packet_info_v6(true)?;
    let to = SockAddr::from(SocketAddr::from((Ipv6Addr::LOCALHOST, port(&far)?)));
    near.send_to(b"x", &to)?;
    let got = recv(&far, 9, 0)?;
    // A performance on one machine has addresses of its own for a host's.
    let is_so = matches!(got.control[..], [ReceivedControl::PacketInfoV6(it)] if it.interface == 1);
    complaints.unless(is_so, || format!("{:?}", got.control));
    near.send_to(b"x", &to)?;
    let unasked = far.recv_from_vectored(&mut [IoSliceMut::new(&mut [0; 9])])?.1;
    complaints.unless(unasked.is_control_truncated(), || "no room for it".into());
    let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let control = [Control::PacketInfoV6(PacketInfoV6 { address, interface: 0 })];
    let message = MsgHdr::new().with_addr(&to).with_buffers(&bufs).with_control(&control);
    let refused = code(near.sendmsg(&message, 0));
    complaints.unless(refused == Err(Some(EINVAL)), || format!("{refused:?}"));
    Ok(())
}

fn unread(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = super::connected()?;
    let far = Socket::from(far);
    far.set_tcp_inq(true)?;
    let left = |room, flags| match recv(&far, room, flags)?.control[..] {
        [ReceivedControl::Unread(bytes)] => Ok(Some(bytes)),
        _ => Ok::<_, io::Error>(None),
    };
    (&near).write_all(b"abcdef")?;
    wait_read(&far, None)?;
    let looked = left(2, libc::MSG_PEEK)?;
    complaints.unless(looked == Some(6), || format!("looked at: {looked:?}"));
    near.shutdown(Shutdown::Write)?;
    let mut seen = 0;
    while seen < 6 {
        seen += recv(&far, 2, 0)?.bytes.len();
    }
    // The end counts as one.
    let ends = [left(2, 0)?, left(2, 0)?];
    complaints.unless(ends == [Some(1); 2], || format!("at the end: {ends:?}"));
    Ok(())
}

/// linux-truth 90, and what was measured of the rest.
fn more(complaints: &Complaints) -> io::Result<()> {
    let (near, far) = (udp("127.0.0.1")?, udp("127.0.0.1")?);
    let (to, elsewhere) =
        (far.local_addr()?, SockAddr::from(SocketAddr::from(([127, 0, 0, 2], 9))));
    near.send_to_with_flags(b"ab", &to, libc::MSG_MORE)?;
    near.send_to_with_flags(b"cd", &elsewhere, libc::MSG_MORE)?;
    let early = code(far.recv_with_flags(&mut [0; 9], libc::MSG_DONTWAIT));
    near.send(b"e")?;
    let whole = recv(&far, 9, 0)?.bytes;
    complaints.unless(early == Err(Some(libc::EAGAIN)), || format!("early: {early:?}"));
    complaints.unless(whole == b"abcde", || format!("{whole:?}"));
    near.send_to_with_flags(&[0; 40_000], &to, libc::MSG_MORE)?;
    let long = code(near.send_to(&[0; 30_000], &to));
    near.send_to(b"f", &to)?;
    let after = recv(&far, 9, 0)?.bytes;
    complaints.unless(long == Err(Some(libc::EMSGSIZE)), || format!("{long:?}"));
    complaints.unless(after == b"f", || format!("what was too long is not lost: {after:?}"));

    let (near, far) = super::connected()?;
    let (near, far) = (Socket::from(near), Socket::from(far));
    near.send_with_flags(b"held ", libc::MSG_MORE)?;
    let early = code(far.recv_with_flags(&mut [0; 9], libc::MSG_DONTWAIT));
    complaints.unless(early == Err(Some(libc::EAGAIN)), || format!("TCP, early: {early:?}"));
    near.send_with_flags(b"back", libc::MSG_EOR)?;
    let mut whole = Vec::new();
    while whole.len() < 9 {
        whole.extend(recv(&far, 99, 0)?.bytes);
    }
    complaints.unless(whole == b"held back", || format!("TCP: {whole:?}"));
    // Nobody sends more, and it leaves all the same.
    near.send_with_flags(b"alone", libc::MSG_MORE)?;
    let alone = recv(&far, 1, 0)?.bytes;
    complaints.unless(alone == b"a", || format!("TCP, alone: {alone:?}"));

    let (near, far) = pair(Type::STREAM)?;
    near.send_with_flags(b"x", libc::MSG_MORE)?;
    complaints.unless(recv(&far, 9, libc::MSG_DONTWAIT)?.bytes == b"x", || "Unix".into());
    Ok(())
}

fn cloexec(complaints: &Complaints) -> io::Result<()> {
    let (one, other) = pair(Type::STREAM)?;
    one.set_cloexec(false)?;
    let copy = one.try_clone()?;
    let said = [one.cloexec()?, other.cloexec()?, copy.cloexec()?];
    complaints.unless(said == [false, true, true], || format!("{said:?}"));
    one.close();
    let closed = code(one.cloexec());
    complaints.unless(closed == Err(Some(EBADF)), || format!("{closed:?}"));
    Ok(())
}
