//! A look at a disk from outside, when the run is over.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use super::node::Body;
use super::tree::Disk;
use crate::errno::errno;

impl Disk {
    /// What a file holds.
    pub(crate) fn bytes_of(&self, path: &Path) -> io::Result<Vec<u8>> {
        let Body::File(file) = &self.node(self.find(path, true)?).body else {
            return Err(errno(libc::EISDIR));
        };
        let mut bytes = vec![0; file.now.len() as usize];
        file.now.read(0, &mut bytes);
        Ok(bytes)
    }

    /// The names in a directory, in order.
    pub(crate) fn names_in(&self, path: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.directory(self.find(path, true)?)?.now.keys().cloned().collect())
    }
}
