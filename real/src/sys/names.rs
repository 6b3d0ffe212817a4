//! The C library's look-ups of names: `getaddrinfo(3)`, `getnameinfo(3)`, `gethostbyname(3)`,
//! `gethostbyaddr(3)`. They block.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use greenroom::resolve::{AddrInfo, GaiError, Hints, HostEntry};
use socket2::SockAddr;

/// The ways to reach a service of a host.
pub(crate) fn getaddrinfo(
    host: Option<&str>,
    service: Option<&str>,
    hints: Hints,
) -> Result<Vec<AddrInfo>, GaiError> {
    let (host, service) = (c_string(host)?, c_string(service)?);
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    let asked = libc::addrinfo {
        ai_flags: hints.flags,
        ai_family: hints.family,
        ai_socktype: hints.socktype,
        ai_protocol: hints.protocol,
        ai_addrlen: 0,
        ai_addr: ptr::null_mut(),
        ai_canonname: ptr::null_mut(),
        ai_next: ptr::null_mut(),
    };
    let mut list = ptr::null_mut();
    // SAFETY: the texts end in NUL and outlive the call, as does what is asked for; the list goes
    // into a pointer of ours.
    let code = unsafe { libc::getaddrinfo(pointer(&host), pointer(&service), &asked, &mut list) };
    if code != 0 {
        return Err(gai_error(code));
    }
    let mut found = Vec::new();
    let mut next = list;
    while !next.is_null() {
        // SAFETY: an element of the list just made, of which nothing is freed yet.
        let info = unsafe { &*next };
        // SAFETY: its address is as long as it says.
        if let Some(address) = unsafe { address(info.ai_addr, info.ai_addrlen) } {
            found.push(AddrInfo {
                socktype: info.ai_socktype,
                protocol: info.ai_protocol,
                address,
                // SAFETY: null, or a text that ends in NUL.
                canonical: unsafe { text(info.ai_canonname) },
            });
        }
        next = info.ai_next;
    }
    // SAFETY: the list is the call's, and nothing of it is kept.
    unsafe { libc::freeaddrinfo(list) };
    Ok(found)
}

/// The names of a host and of a service.
pub(crate) fn getnameinfo(address: &SocketAddr, flags: i32) -> Result<(String, String), GaiError> {
    let address = SockAddr::from(*address);
    let (mut host, mut service) = ([0; 1025], [0; 64]);
    // SAFETY: the address is as long as it says; the texts go into buffers of ours of the lengths
    // that are told.
    let code = unsafe {
        c_getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            host.as_mut_ptr(),
            host.len() as libc::socklen_t,
            service.as_mut_ptr(),
            service.len() as libc::socklen_t,
            flags,
        )
    };
    if code != 0 {
        return Err(gai_error(code));
    }
    // SAFETY: the call succeeded, so both end in NUL.
    let (host, service) = unsafe { (text(host.as_ptr()), text(service.as_ptr())) };
    Ok((host.unwrap_or_default(), service.unwrap_or_default()))
}

// SAFETY: name, parameters and result of each are those of glibc's <netdb.h>.
unsafe extern "C" {
    #[link_name = "getnameinfo"]
    fn c_getnameinfo(
        address: *const libc::sockaddr,
        address_len: libc::socklen_t,
        host: *mut c_char,
        host_len: libc::socklen_t,
        service: *mut c_char,
        service_len: libc::socklen_t,
        flags: c_int,
    ) -> c_int;
    fn gethostbyname2_r(
        name: *const c_char,
        family: c_int,
        entry: *mut libc::hostent,
        buf: *mut c_char,
        len: usize,
        result: *mut *mut libc::hostent,
        h_errno: *mut c_int,
    ) -> c_int;
    fn gethostbyaddr_r(
        address: *const c_void,
        address_len: libc::socklen_t,
        family: c_int,
        entry: *mut libc::hostent,
        buf: *mut c_char,
        len: usize,
        result: *mut *mut libc::hostent,
        h_errno: *mut c_int,
    ) -> c_int;
}

/// A host by its name, with its addresses of one family.
pub(crate) fn host_by_name(name: &str, v6: bool) -> Result<HostEntry, GaiError> {
    let name = CString::new(name).map_err(|_| GaiError::NoName)?;
    let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
    with_entry(|entry, buf, result, h_errno| {
        // SAFETY: the name ends in NUL; the entry, the buffer of that length and the two places for
        // results are ours and outlive the call.
        unsafe {
            let (len, buf) = (size_of_val(buf), buf.as_mut_ptr().cast());
            gethostbyname2_r(name.as_ptr(), family, entry, buf, len, result, h_errno)
        }
    })
}

/// A host by its address.
pub(crate) fn host_by_address(address: IpAddr) -> Result<HostEntry, GaiError> {
    let (bytes, family) = match address {
        IpAddr::V4(v4) => (v4.octets().to_vec(), libc::AF_INET),
        IpAddr::V6(v6) => (v6.octets().to_vec(), libc::AF_INET6),
    };
    with_entry(|entry, buf, result, h_errno| {
        // SAFETY: the address is as long as is told; the rest as above.
        unsafe {
            let (len, buf) = (size_of_val(buf), buf.as_mut_ptr().cast());
            let (from, from_len) = (bytes.as_ptr().cast(), bytes.len() as libc::socklen_t);
            gethostbyaddr_r(from, from_len, family, entry, buf, len, result, h_errno)
        }
    })
}

/// Makes a call with room for its result, again with more while that is too little.
fn with_entry(
    mut call: impl FnMut(*mut libc::hostent, &mut [u64], *mut *mut libc::hostent, *mut c_int) -> c_int,
) -> Result<HostEntry, GaiError> {
    let mut words = 128;
    loop {
        // Words and not bytes: pointers are put into it.
        let mut buf = vec![0_u64; words];
        let mut entry = libc::hostent {
            h_name: ptr::null_mut(),
            h_aliases: ptr::null_mut(),
            h_addrtype: 0,
            h_length: 0,
            h_addr_list: ptr::null_mut(),
        };
        let (mut result, mut h_errno) = (ptr::null_mut(), 0);
        let code = call(&mut entry, &mut buf, &mut result, &mut h_errno);
        if code == libc::ERANGE && words < 1 << 17 {
            words *= 2;
        } else if code != 0 && h_errno <= 0 {
            return Err(GaiError::System(code));
        } else if code != 0 || result.is_null() {
            return Err(match h_errno {
                1 => GaiError::NoName,
                2 => GaiError::Again,
                4 => GaiError::NoData,
                _ => GaiError::Fail,
            });
        } else {
            // SAFETY: the call filled the entry in, whose texts and lists lie in the buffer.
            return Ok(unsafe { host_entry(&entry) });
        }
    }
}

/// # Safety
///
/// The entry is one that the C library filled in, and what it points to is still there.
unsafe fn host_entry(entry: &libc::hostent) -> HostEntry {
    // SAFETY: the caller's promise: lists of pointers that end in null, texts that end in NUL, and
    // addresses of the length of the family.
    unsafe {
        let address = |at: *mut c_char| match entry.h_addrtype {
            libc::AF_INET => IpAddr::from(Ipv4Addr::from(*at.cast::<[u8; 4]>())),
            _ => IpAddr::from(Ipv6Addr::from(*at.cast::<[u8; 16]>())),
        };
        HostEntry {
            name: text(entry.h_name).unwrap_or_default(),
            aliases: each(entry.h_aliases).into_iter().filter_map(|alias| text(alias)).collect(),
            addresses: each(entry.h_addr_list).into_iter().map(address).collect(),
        }
    }
}

/// # Safety
///
/// Null, or a list of pointers that ends in null.
unsafe fn each(mut list: *mut *mut c_char) -> Vec<*mut c_char> {
    let mut all = Vec::new();
    // SAFETY: the caller's promise; it is read up to its end.
    unsafe {
        while !list.is_null() && !(*list).is_null() {
            all.push(*list);
            list = list.add(1);
        }
    }
    all
}

/// # Safety
///
/// Null, or a text that ends in NUL.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// # Safety
///
/// An address of this length.
unsafe fn address(from: *const libc::sockaddr, len: libc::socklen_t) -> Option<SocketAddr> {
    // SAFETY: the storage is sized for any address, so also for this one, which the caller promises.
    let copied = unsafe {
        SockAddr::try_init(|storage, copied_len| {
            ptr::copy_nonoverlapping(from.cast::<u8>(), storage.cast::<u8>(), len as usize);
            *copied_len = len;
            Ok(())
        })
    };
    copied.ok()?.1.as_socket()
}

fn c_string(text: Option<&str>) -> Result<Option<CString>, GaiError> {
    text.map(CString::new).transpose().map_err(|_| GaiError::NoName)
}

fn gai_error(code: c_int) -> GaiError {
    GaiError::from_code(code, io::Error::last_os_error().raw_os_error().unwrap_or(0))
}
