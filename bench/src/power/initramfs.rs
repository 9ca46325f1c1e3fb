//! The machine's first file system, made of what this one has: busybox, the server and this program with their shared libraries,
//! the kernel's modules. Written as a cpio archive in the `newc` format, which is all that the kernel reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the machine's devices and its disk need, by module name.
const MODULES: [&str; 5] = ["virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4"];
const FOLDERS: [&str; 9] = ["bin", "data", "dev", "lib", "modules", "proc", "sys", "tmp", "etc"];
const FOLDER: u32 = 0o40_755;
const PROGRAM: u32 = 0o100_755;

/// An archive under way.
#[derive(Debug, Default)]
struct Archive {
    bytes: Vec<u8>,
    made: BTreeSet<String>,
    entries: u32,
}

impl Archive {
    /// One entry, after the folders it stands in.
    fn add(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<(), String> {
        if let Some((folder, _)) = path.rsplit_once('/')
            && !self.made.contains(folder)
        {
            self.add(folder, FOLDER, &[])?;
        }
        if self.made.insert(path.to_owned()) {
            self.entry(path, mode, content)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<(), String> {
        let too_large = |_| format!("{path} is too large for an archive");
        let size = u32::try_from(content.len()).map_err(too_large)?;
        let name_size = u32::try_from(path.len() + 1).map_err(too_large)?;
        self.entries += 1;
        // Inode, mode, owner, group, links, time, size, device (two), device it stands for (two), length of the name, checksum.
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        let head: String = fields.iter().map(|field| format!("{field:08x}")).collect();
        self.bytes.extend_from_slice(format!("070701{head}{path}\0").as_bytes());
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Result<Vec<u8>, String> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }
}

/// Makes the archive: `programs` by the name they get in `/bin`, the unpacked kernel package, a folder for what is made meanwhile.
///
/// # Errors
/// What is missing, in words.
pub(crate) fn make(programs: &[(&str, &Path)], kernel: &Path, work: &Path) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.add(folder, FOLDER, &[])?;
    }
    archive.add("init", PROGRAM, include_bytes!("init.sh"))?;
    for (name, program) in programs {
        // Without what debuggers read: the machine unpacks this at each start.
        let stripped = work.join(name);
        run(Command::new("strip").arg("-o").arg(&stripped).arg(program))?;
        archive.add(&format!("bin/{name}"), PROGRAM, &read(&stripped)?)?;
        for library in libraries(program)? {
            let path = library.strip_prefix("/").unwrap_or(&library).to_owned();
            archive.add(&path, PROGRAM, &read(Path::new(&library))?)?;
        }
    }
    let saboteur = work.join("no_sync.so");
    let source = work.join("no_sync.c");
    std::fs::write(&source, include_bytes!("no_sync.c")).map_err(|error| format!("{}: {error}", source.display()))?;
    run(Command::new("cc").args(["-shared", "-fPIC", "-nostdlib", "-o"]).arg(&saboteur).arg(&source))?;
    archive.add("lib/no_sync.so", PROGRAM, &read(&saboteur)?)?;
    let mut order = String::new();
    for module in modules(kernel)? {
        let name = module.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        archive.add(&format!("modules/{name}"), PROGRAM, &read(&module)?)?;
        order.push_str(&name);
        order.push('\n');
    }
    archive.add("modules/order", PROGRAM, order.as_bytes())?;
    archive.finish()
}

/// The shared libraries of a program, its loader among them.
fn libraries(program: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("ldd").arg(program).output().map_err(|error| format!("cannot run ldd: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("not found") {
        return Err(format!("{} lacks a library:\n{text}", program.display()));
    }
    // A static program has none, and ldd says so by failing.
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(str::to_owned);
    Ok(text.lines().filter_map(path).collect())
}

/// The modules in the order in which they can be loaded.
fn modules(kernel: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![kernel.join("lib/modules")];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.is_dir() {
                open.push(path);
            } else if let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".ko").map(|n| n.replace('-', "_"))) {
                files.insert(name, path);
            }
        }
    }
    let mut order = Vec::new();
    let mut done = BTreeSet::new();
    for module in MODULES {
        visit(module, &files, &mut done, &mut order)?;
    }
    Ok(order)
}

/// Puts a module after those it needs.
fn visit(name: &str, files: &BTreeMap<String, PathBuf>, done: &mut BTreeSet<String>, order: &mut Vec<PathBuf>) -> Result<(), String> {
    if !done.insert(name.to_owned()) {
        return Ok(());
    }
    let path = files.get(name).ok_or_else(|| format!("the kernel package has no module {name}"))?;
    for needed in needed_by(&read(path)?) {
        visit(&needed, files, done, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// What a module says that it needs: `depends=a,b`, ended by a zero, somewhere in the file.
fn needed_by(module: &[u8]) -> Vec<String> {
    let mut strings = module.split(|byte| *byte == 0);
    let list = strings.find_map(|string| string.strip_prefix(b"depends=")).unwrap_or_default();
    String::from_utf8_lossy(list).split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("cannot run {name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn an_archive_has_the_folders_before_what_stands_in_them() {
        let mut archive = Archive::default();
        archive.add("a/b/c", PROGRAM, b"12345").unwrap();
        archive.add("a/d", PROGRAM, b"").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        let at = |name: &str| text.find(&format!("{name}\0")).unwrap();
        assert!(at("0a") < at("a/b") && at("a/b") < at("a/b/c") && at("a/b/c") < at("a/d") && at("a/d") < at("TRAILER!!!"));
        assert_eq!(text.matches("070701").count(), 5);
        assert!(text.contains(concat!("12345\0\0\0", "070701")));
    }

    #[test]
    fn a_module_tells_what_it_needs() {
        assert_eq!(needed_by(b"\x7fELF\0\0license=GPL\0depends=jbd2,crc-16\0name=ext4\0"), ["jbd2", "crc_16"]);
        assert_eq!(needed_by(b"depends=\0"), Vec::<String>::new());
    }
}
