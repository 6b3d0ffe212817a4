//! The disks of a run's hosts, as they are when it is over.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

use crate::disk::Disk;
use crate::host::Host;
use crate::id::HostId;
use crate::world::table::Table;

/// A host's disk when the run is over: what its programs left there, less what a power cut took.
pub struct LastDisk(Disk);

impl LastDisk {
    /// What a file holds.
    ///
    /// # Errors
    ///
    /// Those of `greenroom::fs::read`.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        self.0.bytes_of(path.as_ref())
    }

    /// The names in a directory, in order.
    ///
    /// # Errors
    ///
    /// Those of `greenroom::fs::read_dir`.
    pub fn names(&self, path: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
        self.0.names_in(path.as_ref())
    }
}

impl fmt::Debug for LastDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastDisk").finish_non_exhaustive()
    }
}

pub(super) type Disks = Vec<(String, LastDisk)>;

/// Takes the disks that were used.
pub(super) fn take(hosts: &mut Table<HostId, Host>) -> Disks {
    let mut disks = Disks::new();
    for id in hosts.ids() {
        let host = &mut hosts[id];
        if let Some(files) = host.files.take() {
            disks.push((host.name.clone(), LastDisk(files.disk)));
        }
    }
    disks
}
