//! How a path leads to a file, with Linux's errors.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::node::{Body, Ino, ROOT};
use super::tree::Disk;
use crate::errno::errno;

/// Linux's `PATH_MAX`, the zero at the end included.
const PATH_MAX: usize = 4096;
pub(super) const NAME_MAX: usize = 255;
/// Linux's `MAXSYMLINKS`.
const LINKS_MAX: u32 = 40;

/// The last part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Last {
    Name(OsString),
    Dot,
    DotDot,
    Root,
}

/// Where a path leads, but for its last part.
pub(super) struct Place {
    pub(super) directory: Ino,
    pub(super) last: Last,
    /// It ends with a slash: what it names must be a directory.
    pub(super) slash: bool,
}

/// How many symbolic links were followed.
#[derive(Default)]
pub(super) struct Followed(u32);

impl Followed {
    fn one_more(&mut self) -> io::Result<()> {
        self.0 += 1;
        if self.0 > LINKS_MAX { Err(errno(libc::ELOOP)) } else { Ok(()) }
    }
}

impl Disk {
    /// The directory that a path's last part is in.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        self.place_from(ROOT, path, &mut Followed::default())
    }

    /// The file that a path names; the last symbolic link is followed or is it.
    pub(super) fn find(&self, path: &Path, follow: bool) -> io::Result<Ino> {
        self.find_from(ROOT, path, follow, &mut Followed::default())
    }

    /// What a place names, if there is such a file.
    pub(super) fn at(&self, place: &Place) -> io::Result<Option<Ino>> {
        match &place.last {
            Last::Root => Ok(Some(ROOT)),
            Last::Dot => Ok(Some(place.directory)),
            Last::DotDot => Ok(Some(self.directory(place.directory)?.parent)),
            Last::Name(name) if name.len() > NAME_MAX => Err(errno(libc::ENAMETOOLONG)),
            Last::Name(name) => Ok(self.directory(place.directory)?.now.get(name).copied()),
        }
    }

    pub(super) fn place_from(
        &self,
        base: Ino,
        path: &Path,
        followed: &mut Followed,
    ) -> io::Result<Place> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() {
            return Err(errno(libc::ENOENT));
        }
        if bytes.len() >= PATH_MAX {
            return Err(errno(libc::ENAMETOOLONG));
        }
        let mut directory = if bytes[0] == b'/' { ROOT } else { base };
        let mut parts = bytes.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
        let Some(mut part) = parts.next() else {
            return Ok(Place { directory, last: Last::Root, slash: true });
        };
        for next in parts {
            let place = Place { directory, last: last_of(part), slash: true };
            directory = self.follow(&place, followed)?;
            self.directory(directory)?;
            part = next;
        }
        Ok(Place { directory, last: last_of(part), slash: bytes.ends_with(b"/") })
    }

    fn find_from(
        &self,
        base: Ino,
        path: &Path,
        follow: bool,
        followed: &mut Followed,
    ) -> io::Result<Ino> {
        let place = self.place_from(base, path, followed)?;
        if follow || place.slash {
            return self.follow(&place, followed);
        }
        self.at(&place)?.ok_or_else(|| errno(libc::ENOENT))
    }

    /// What a place names, at the end of all links.
    pub(super) fn follow(&self, place: &Place, followed: &mut Followed) -> io::Result<Ino> {
        let found = self.at(place)?.ok_or_else(|| errno(libc::ENOENT))?;
        let ino = match self.link_to(found) {
            Some(path) => {
                followed.one_more()?;
                self.find_from(place.directory, path, true, followed)?
            }
            None => found,
        };
        if place.slash {
            self.directory(ino)?;
        }
        Ok(ino)
    }

    /// Where a link leads: to a place, at which there need be nothing.
    pub(super) fn place_of_link(
        &self,
        place: &Place,
        link: &Path,
        followed: &mut Followed,
    ) -> io::Result<Place> {
        followed.one_more()?;
        self.place_from(place.directory, link, followed)
    }

    pub(super) fn link_to(&self, ino: Ino) -> Option<&Path> {
        match &self.node(ino).body {
            Body::Link(path) => Some(path),
            _ => None,
        }
    }

    /// Whether a directory is this one or lies in it.
    pub(super) fn is_within(&self, mut directory: Ino, above: Ino) -> bool {
        loop {
            if directory == above {
                return true;
            }
            match self.directory(directory) {
                Ok(it) if directory != ROOT => directory = it.parent,
                _ => return false,
            }
        }
    }
}

fn last_of(part: &[u8]) -> Last {
    match part {
        b"." => Last::Dot,
        b".." => Last::DotDot,
        name => Last::Name(OsStr::from_bytes(name).to_owned()),
    }
}
