//! Operations on files that are under way.

use greenroom::hub::FileCall;

use crate::disk::OpenId;
use crate::id::{HostId, Weak};

/// An operation, and who waits for it.
pub(crate) struct Operation {
    pub(crate) host: HostId,
    pub(crate) waiter: Weak,
    /// The file that it is on, which it holds open.
    pub(crate) on: Option<OpenId>,
    pub(crate) call: FileCall,
    /// The device fails it.
    pub(crate) fails: bool,
}
