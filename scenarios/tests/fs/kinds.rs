//! Odd calls, and the error of each: the simulator's is Linux's.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use greenroom::fs::{self, File, OpenOptions};
use greenroom::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};

use crate::both::{play, told};

/// What calls come to, by what they are.
#[derive(Default, PartialEq, Debug)]
struct Table(Vec<String>);

impl Table {
    fn row<T: std::fmt::Debug>(&mut self, call: &str, outcome: std::io::Result<T>) {
        self.0.push(format!("{call}: {:?}", told(outcome)));
    }
    fn get(&self, call: &str) -> &str {
        let row = self.0.iter().find_map(|row| row.strip_prefix(call)?.strip_prefix(": "));
        row.unwrap_or_else(|| panic!("nobody asked for {call}"))
    }
}

/// Asserts that the rows are the same.
fn same_rows(program: impl Fn(&Path) -> Table + Send + Sync + 'static) -> Table {
    let (real, sim) = play(program);
    let both = real.0.iter().zip(&sim.0).filter(|(real, sim)| real != sim);
    let different: Vec<String> =
        both.map(|(real, sim)| format!("{real}\n  in sim {sim}\n")).collect();
    assert!(different.is_empty(), "{}", different.concat());
    assert_eq!(real.0.len(), sim.0.len());
    real
}

/// A directory, a full one, two files, links of all sorts.
fn set_up(root: &Path) -> std::io::Result<()> {
    fs::create_dir(root.join("d"))?;
    fs::create_dir_all(root.join("full/below"))?;
    fs::write(root.join("f"), b"hello")?;
    fs::write(root.join("g"), b"other")?;
    for (to, link) in [
        ("loop2", "loop1"),
        ("loop1", "loop2"),
        ("nowhere", "dangling"),
        ("d", "ld"),
        ("f", "lf"),
        ("d/", "lds"),
    ] {
        symlink(to, root.join(link))?;
    }
    Ok(())
}

const PLACES: [&str; 26] = [
    "d",
    "d/",
    "d/.",
    "d/..",
    "full",
    "f",
    "f/",
    "f/.",
    "f/x",
    "new",
    "new/",
    "no/x",
    "",
    "loop1",
    "loop1/x",
    "dangling",
    "dangling/",
    "ld",
    "ld/",
    "ld/x",
    "lf",
    "lf/",
    "lds",
    "lds/x",
    "/",
    "full/below/../../f",
];

fn place(root: &Path, name: &str) -> String {
    match name {
        "" | "/" => name.to_owned(),
        name => format!("{}/{name}", root.display()),
    }
}

/// Each call has the tree for itself.
fn each(root: &Path, table: &mut Table, what: &str, mut call: impl FnMut(&Path, &mut Table, &str)) {
    for name in PLACES {
        let own = root.join("own");
        fs::create_dir(&own).expect("it was removed");
        set_up(&own).expect("there is nothing in the way");
        call(&own, table, &format!("{what} {name}"));
        fs::remove_dir_all(&own).expect("it is there");
    }
}

#[test]
fn opening_what_is_odd() {
    let table = same_rows(|root: &Path| {
        let mut table = Table::default();
        type Set = fn(&mut OpenOptions) -> &mut OpenOptions;
        let options: [(&str, Set); 9] = [
            ("read", |it| it.read(true)),
            ("write", |it| it.write(true)),
            ("append", |it| it.append(true)),
            ("create", |it| it.write(true).create(true)),
            ("create_new", |it| it.write(true).create_new(true)),
            ("truncate", |it| it.write(true).truncate(true)),
            ("create read", |it| it.read(true).create(true)),
            ("nofollow", |it| it.read(true).custom_flags(libc::O_NOFOLLOW)),
            ("directory", |it| it.read(true).custom_flags(libc::O_DIRECTORY)),
        ];
        for (what, set) in options {
            each(root, &mut table, what, |own, table, row| {
                let name = row.strip_prefix(what).unwrap_or_default().trim_start();
                let opened = set(&mut OpenOptions::new()).open(place(own, name));
                table.row(row, opened.map(drop));
            });
        }
        table.row("nothing", OpenOptions::new().open(root.join("f")).map(drop));
        table.row("long", File::create(root.join("a".repeat(256))).map(drop));
        table.row("not too long", File::create(root.join("a".repeat(255))).map(drop));
        table.row("long path", File::open("/".repeat(4096)).map(drop));
        table.row("zero", File::open("a\0b").map(drop));
        table
    });
    assert_eq!(table.get("write d"), r#"Err("21 IsADirectory")"#);
    assert_eq!(table.get("create new/"), r#"Err("21 IsADirectory")"#);
    assert_eq!(table.get("create dangling"), "Ok(())");
}

#[test]
fn names_that_are_odd() {
    let table = same_rows(|root: &Path| {
        let mut table = Table::default();
        type Named = fn(&str, &Path) -> std::io::Result<String>;
        let calls: [(&str, Named); 14] = [
            ("mkdir", |name, _| fs::create_dir(name).map(|()| String::new())),
            ("mkdir -p", |name, _| fs::create_dir_all(name).map(|()| String::new())),
            ("rmdir", |name, _| match name {
                "/" => Ok(String::new()),
                name => fs::remove_dir(name).map(|()| String::new()),
            }),
            ("unlink", |name, _| fs::remove_file(name).map(|()| String::new())),
            ("stat", |name, _| fs::metadata(name).map(|it| format!("{:?}", it.file_type()))),
            ("lstat", |name, _| {
                fs::symlink_metadata(name).map(|it| format!("{:?}", it.file_type()))
            }),
            ("readlink", |name, _| fs::read_link(name).map(|it| it.display().to_string())),
            ("exists", |name, _| fs::exists(name).map(|it| it.to_string())),
            ("link to", |name, own| fs::hard_link(own.join("f"), name).map(|()| String::new())),
            ("link of", |name, own| fs::hard_link(name, own.join("new")).map(|()| String::new())),
            ("symlink", |name, _| symlink("x", name).map(|()| String::new())),
            ("rename file to", |name, own| fs::rename(own.join("f"), name).map(|()| String::new())),
            ("rename directory to", |name, own| {
                fs::rename(own.join("d"), name).map(|()| String::new())
            }),
            ("rename to new", |name, own| {
                fs::rename(name, own.join("new")).map(|()| String::new())
            }),
        ];
        for (what, call) in calls {
            each(root, &mut table, what, |own, table, row| {
                let name = row.strip_prefix(what).unwrap_or_default().trim_start();
                table.row(row, call(&place(own, name), own));
                let mut names: Vec<_> = list(own);
                names.sort();
                table.row(&format!("after {row}"), Ok(names));
            });
        }
        table
    });
    assert_eq!(table.get("rename file to d"), r#"Err("21 IsADirectory")"#);
    assert_eq!(table.get("rmdir full"), r#"Err("39 DirectoryNotEmpty")"#);
}

fn list(directory: &Path) -> Vec<String> {
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("it was read");
        let stat = entry.metadata().expect("nobody removes it");
        assert_eq!(entry.file_type().ok(), Some(stat.file_type()));
        let length = if stat.is_dir() { 0 } else { stat.len() };
        let (name, links) = (entry.file_name(), stat.nlink());
        format!("{} {:o} {links} {length}", name.display(), stat.mode())
    };
    fs::read_dir(directory).expect("it is there").map(entry).collect()
}

#[test]
fn more_names_that_are_odd() {
    same_rows(|root: &Path| {
        let mut table = Table::default();
        for from in ["d", "full", "f", "lf", "ld", "full/below", "d/.", "no", "no/"] {
            for to in PLACES.into_iter().chain(["g", "d/x", "full/below", "full/below/x"]) {
                let own = root.join("own");
                fs::create_dir(&own).expect("it was removed");
                set_up(&own).expect("there is nothing in the way");
                let row = format!("rename {from} {to}");
                table.row(&row, fs::rename(place(&own, from), place(&own, to)));
                fs::remove_dir_all(&own).expect("it is there");
            }
        }
        let own = root.join("own");
        fs::create_dir(&own).expect("it was removed");
        set_up(&own).expect("there is nothing in the way");
        for name in PLACES.into_iter().filter(|name| *name != "/") {
            let path = place(&own, name);
            let real = fs::canonicalize(&path);
            let below = real.map(|path| path.strip_prefix(root).unwrap_or(&path).to_owned());
            table.row(&format!("realpath {name}"), below);
            table.row(&format!("read_dir {name}"), fs::read_dir(&path).map(|it| it.count()));
            table.row(&format!("copy {name}"), fs::copy(&path, own.join("copy")));
        }
        for name in ["f/", "lf", "nothing", "full", "d/..", "d"] {
            table.row(&format!("remove tree {name}"), fs::remove_dir_all(place(&own, name)));
        }
        table.row("second name", fs::hard_link(own.join("g"), own.join("2nd")));
        let real = fs::canonicalize(own.join("2nd"));
        table.row("its path", real.map(|path| path.strip_prefix(&own).map(Path::to_owned)));
        table.row("symlink to nothing", symlink("", own.join("s")));
        table.row("symlink too far", symlink("a".repeat(4096), own.join("s")));
        table.row("symlink far", symlink("a".repeat(4095), own.join("s")));
        table
    });
}

#[test]
fn open_files_that_are_odd() {
    let table = same_rows(|root: &Path| {
        set_up(root).expect("it is empty");
        let mut table = Table::default();
        let (mut reads, mut writes) = (
            File::open(root.join("f")).expect("it is there"),
            OpenOptions::new().write(true).open(root.join("f")).expect("it is there"),
        );
        let mut directory = File::open(root.join("d")).expect("it is there");
        for (name, file) in
            [("reads", &mut reads), ("writes", &mut writes), ("dir", &mut directory)]
        {
            let mut buf = [0; 3];
            table.row(&format!("{name} read"), file.read(&mut buf));
            table.row(&format!("{name} read 0"), file.read(&mut []));
            table.row(&format!("{name} pread"), file.read_at(&mut buf, 1));
            table.row(&format!("{name} pread beyond"), file.read_at(&mut buf, 100));
            table.row(&format!("{name} pread far"), file.read_at(&mut buf, i64::MAX as u64));
            table.row(&format!("{name} pread nearer"), file.read_at(&mut buf, i64::MAX as u64 - 3));
            table.row(&format!("{name} pread negative"), file.read_at(&mut buf, u64::MAX));
            table.row(&format!("{name} write"), file.write(b"ab"));
            table.row(&format!("{name} write 0"), file.write(b""));
            table.row(&format!("{name} pwrite"), file.write_at(b"x", 7));
            table.row(&format!("{name} pwrite 0"), file.write_at(b"", i64::MAX as u64));
            table.row(&format!("{name} pwrite far"), file.write_at(b"x", i64::MAX as u64));
            table.row(&format!("{name} pwrite negative"), file.write_at(b"x", u64::MAX));
            table.row(&format!("{name} pwrite 17T"), file.write_at(b"x", 17 << 40));
            table.row(&format!("{name} set_len 17T"), file.set_len(17 << 40));
            table.row(&format!("{name} set_len"), file.set_len(6));
            table.row(&format!("{name} set_len negative"), file.set_len(u64::MAX));
            table.row(&format!("{name} sync"), file.sync_all());
            table.row(&format!("{name} sync data"), file.sync_data());
            if name != "dir" {
                table.row(&format!("{name} seek"), file.seek(SeekFrom::Current(-2)));
                table.row(&format!("{name} seek end"), file.seek(SeekFrom::End(7)));
                table.row(&format!("{name} seek negative"), file.seek(SeekFrom::End(-7)));
                table.row(&format!("{name} seek far"), file.seek(SeekFrom::Start(17 << 40)));
                table.row(&format!("{name} seek over"), file.seek(SeekFrom::Current(i64::MAX)));
                table.row(&format!("{name} position"), file.stream_position());
            }
            let mode = fs::Permissions::from_mode(0o751);
            table.row(&format!("{name} chmod"), file.set_permissions(mode));
            table.row(&format!("{name} mode"), file.metadata().map(|it| it.mode()));
            let clone = file.try_clone().expect("there are descriptors");
            file.close();
            table.row(&format!("{name} closed"), file.metadata().map(drop));
            table.row(&format!("{name} clone"), clone.metadata().map(|it| it.nlink()));
        }
        table.row("content", fs::read(root.join("f")));
        table
    });
    assert_eq!(table.get("reads write"), r#"Err("9 Uncategorized")"#);
}

#[test]
fn appended_truncated_cloned_and_unlinked() {
    let table = same_rows(|root: &Path| {
        let mut table = Table::default();
        let name = root.join("t");
        fs::write(&name, b"0123456789").expect("there is room");
        let mut appends =
            OpenOptions::new().read(true).append(true).open(&name).expect("it is there");
        table.row("position", appends.stream_position());
        table.row("append", appends.write(b"ab"));
        table.row("position then", appends.stream_position());
        table.row("append at 0", appends.write_at(b"cd", 0));
        table.row("position still", appends.stream_position());
        table.row("content", fs::read(&name));
        let mut clone = appends.try_clone().expect("there are descriptors");
        table.row("clone reads", clone.read(&mut [0; 9]));
        table.row("they share", appends.stream_position());
        table.row("cut", appends.set_len(4));
        table.row("position beyond", clone.stream_position());
        let mut other = OpenOptions::new().write(true).open(&name).expect("it is there");
        table.row("seek", other.seek(SeekFrom::Start(8)));
        table.row("over a hole", other.write(b"x"));
        table.row("hole", fs::read(&name));
        table.row("cut more", other.set_len(2));
        table.row("grow", other.set_len(6));
        table.row("zeros", fs::read(&name));
        table.row("unlink", fs::remove_file(&name));
        table.row("is gone", fs::exists(&name));
        table.row("lives on", other.write_at(b"yz", 1));
        let mut all = Vec::new();
        table.row("seek back", appends.seek(SeekFrom::Start(0)));
        table.row("read on", appends.read_to_end(&mut all).map(|_| all));
        table.row("no name", other.metadata().map(|it| (it.nlink(), it.len())));
        table.row("create anew", File::create_new(&name).map(drop));
        table.row("another", fs::metadata(&name).map(|it| it.len()));
        let exclusive = OpenOptions::new().write(true).create_new(true).mode(0o7640).open(&name);
        table.row("is there", exclusive.map(drop));
        table
    });
    assert_eq!(table.get("append at 0"), "Ok(2)");
}
