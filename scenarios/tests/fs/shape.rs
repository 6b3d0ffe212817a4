//! What programs do with files, as they would with std's.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use greenroom::fs::{self, File};
use greenroom::net::{TcpListener, TcpStream};
use greenroom::thread;
use greenroom::time::{self, Duration};
use greenroom_sim::Weather;

use crate::both::{in_sim, on_real, same, told};

#[test]
fn what_is_written_is_read_again() {
    let program = |root: &Path| -> io::Result<_> {
        fs::write(root.join("a"), b"mind the gap")?;
        let mut file = File::open(root.join("a"))?;
        let mut word = [0; 4];
        file.read_exact(&mut word)?;
        file.seek(SeekFrom::Current(5))?;
        let mut rest = String::new();
        file.read_to_string(&mut rest)?;
        Ok((word, rest, fs::metadata(root.join("a"))?.len()))
    };
    let read = same(move |root| told(program(root)));
    assert_eq!(read, Ok((*b"mind", "gap".to_owned(), 12)));
}

#[test]
fn a_file_is_copied_to_a_socket() {
    let program = |root: &Path| -> io::Result<_> {
        let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        fs::write(root.join("big"), &bytes)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let name = root.join("big");
        let sender = thread::spawn(move || -> io::Result<u64> {
            io::copy(&mut File::open(name)?, &mut TcpStream::connect(address)?)
        });
        let mut received = Vec::new();
        listener.accept()?.0.read_to_end(&mut received)?;
        Ok((sender.join().expect("it does not panic")?, received == bytes))
    };
    assert_eq!(same(move |root| told(program(root))), Ok((300_000, true)));
}

/// Somebody opens a FIFO to read it, which blocks until somebody opens it to write.
#[test]
fn an_open_that_blocks_stops_nobody() {
    let read = on_real(|root| {
        let fifo = root.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("coreutils");
        assert!(made.success());
        let name = fifo.clone();
        let reader = thread::spawn(move || fs::read_to_string(name));
        thread::yield_now();
        assert!(!reader.is_finished());
        fs::write(fifo, "in the end").expect("somebody reads");
        reader.join().expect("it does not panic").expect("it is there")
    });
    assert_eq!(read, "in the end");
}

/// Over the operating system either may come first, so that nothing can be said of it there.
#[test]
fn who_is_killed_or_out_of_time_does_not_wait_and_the_write_happens() {
    let said = in_sim(0, Weather::calm(), |root| {
        let mut file = File::create(root.join("a")).expect("it can be made");
        let mut theirs = file.try_clone().expect("there are descriptors");
        let writer = thread::spawn(move || theirs.write(b"killed "));
        thread::yield_now();
        writer.kill();
        assert!(writer.join().is_err());
        let in_time = time::timeout(Duration::from_micros(1), || file.write(b"late"));
        let before = fs::read(root.join("a")).expect("it is there");
        thread::sleep(Duration::from_millis(1));
        (in_time.is_err(), before.len(), fs::read(root.join("a")).expect("it is there"))
    });
    assert_eq!(said, (true, 11, b"killed late".to_vec()));
}

#[test]
fn directories_are_listed_in_an_order_of_their_own_which_stays() {
    let list = |root: &Path| -> Vec<_> {
        for name in ["a", "b", "c", "d", "e"] {
            fs::write(root.join(name), "").expect("there is room");
        }
        let names = || fs::read_dir(root).expect("it is there").map(|it| it.unwrap().file_name());
        let first: Vec<_> = names().collect();
        assert_eq!(first, names().collect::<Vec<_>>());
        first
    };
    let (one, other) = (in_sim(0, Weather::calm(), list), in_sim(1, Weather::default(), list));
    assert_eq!(one, other);
    assert!(!one.is_sorted(), "nobody can rely on it: {one:?}");
}
