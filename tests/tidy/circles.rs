//! Which modules import which, as the source says, and where that goes in circles.

use std::collections::{BTreeMap, BTreeSet};

/// Modules by their names, as `client::sync::run`, each with those that it names outside its tests.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// Where names come from that a module shows without having them: by the module and the name.
type Shown = BTreeMap<(String, String), String>;

/// Reads the modules of these files: paths below `src`, and texts. What a module only shows (`pub use`) is counted as an import
/// of the module that has it.
pub fn imports(files: &[(String, String)]) -> Imports {
    let modules: BTreeSet<String> = files.iter().map(|(path, _)| module_of(path)).collect();
    let mut shown = Shown::new();
    for (path, text) in files {
        let module = module_of(path);
        for path in statements_of(text).into_iter().filter(|statement| statement.is_shown).flat_map(|it| it.paths) {
            if let Some((of, Some(name))) = resolve(&path, &module, &modules).filter(|(of, _)| *of != module) {
                shown.insert((module.clone(), name), of);
            }
        }
    }
    let read = files.iter().map(|(path, text)| {
        let module = module_of(path);
        let paths = statements_of(text).into_iter().flat_map(|statement| statement.paths);
        let named = paths.filter_map(|path| resolve(&path, &module, &modules));
        let named = named.map(|(of, name)| source_of(of, name, &shown)).filter(|other| *other != module).collect();
        (module, named)
    });
    read.collect()
}

/// The module that has what this one has or shows under a name.
fn source_of(mut module: String, name: Option<String>, shown: &Shown) -> String {
    let Some(name) = name else { return module };
    let mut steps = 0..shown.len();
    while let (Some(_), Some(next)) = (steps.next(), shown.get(&(module.clone(), name.clone()))) {
        module.clone_from(next);
    }
    module
}

/// The same with only so many parts of each name: whole folders as one.
pub fn shortened(imports: &Imports, parts: usize) -> Imports {
    let short = |name: &str| name.split("::").take(parts).collect::<Vec<_>>().join("::");
    let mut folders = Imports::new();
    for (module, named) in imports {
        let folder = folders.entry(short(module)).or_default();
        folder.extend(named.iter().map(|other| short(other)).filter(|other| *other != short(module)));
    }
    folders
}

/// Modules that lead back to themselves, each circle once.
pub fn circles(imports: &Imports) -> BTreeSet<BTreeSet<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|module| (module, reach(module, imports))).collect();
    let leads = |from: &String, to: &String| reached.get(from).is_some_and(|those| those.contains(to));
    let circle_of = |module: &String| -> BTreeSet<String> {
        imports.keys().filter(|other| leads(module, other) && leads(other, module)).cloned().collect()
    };
    imports.keys().map(circle_of).filter(|circle| !circle.is_empty()).collect()
}

fn reach<'i>(module: &str, imports: &'i Imports) -> BTreeSet<&'i String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = imports.get(module).into_iter().flatten().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(imports.get(next).into_iter().flatten());
        }
    }
    reached
}

fn module_of(path: &str) -> String {
    let path = path.trim_end_matches(".rs");
    path.strip_suffix("/mod").unwrap_or(path).replace('/', "::")
}

/// A statement, as far as it names modules.
struct Statement {
    paths: Vec<String>,
    /// It only shows what it names.
    is_shown: bool,
}

/// The statements of code, those of its tests left out.
fn statements_of(text: &str) -> Vec<Statement> {
    let text = without_tests(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let code = lines.collect::<Vec<_>>().join(" ").replace("(in crate", "(");
    let is_ours = |path: &str| ["crate::", "super::", "self::"].iter().any(|start| path.starts_with(start));
    let read = code.split(';').map(|statement| {
        let import = format!(" {statement}");
        let (before, tree) = import.rsplit_once(" use ").unwrap_or((&import, ""));
        let (before, tree) = if is_ours(tree) || tree.starts_with("crate") { (before, tree) } else { (&*import, "") };
        let mut paths = branches(tree);
        paths.extend(before.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').map(str::to_owned));
        paths.retain(|path| is_ours(path));
        let is_shown = !tree.is_empty() && before.split(' ').next_back().is_some_and(|word| word.starts_with("pub"));
        Statement { paths, is_shown }
    });
    read.collect()
}

/// Modules of tests that are files of their own, and what stands behind the one that is not, left out.
fn without_tests(text: &str) -> String {
    let mut parts = text.split("#[cfg(test)]\nmod ");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('\n') {
            Some((name, rest)) if name.ends_with(';') => kept.push_str(rest),
            _ => break,
        }
    }
    kept
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn branches(tree: &str) -> Vec<String> {
    let Some((stem, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let (mut found, mut depth, mut branch) = (Vec::new(), 0, String::new());
    for c in rest.rsplit_once('}').map_or(rest, |(inside, _)| inside).chars().chain([',']) {
        match c {
            ',' if depth == 0 => {
                found.append(&mut branches(&format!("{}{}", stem.trim(), std::mem::take(&mut branch).trim())))
            }
            '{' | '}' => {
                depth += if c == '{' { 1 } else { -1 };
                branch.push(c);
            }
            _ => branch.push(c),
        }
    }
    found
}

/// The module that a path names, or that has what it names, and under which name.
fn resolve(path: &str, within: &str, modules: &BTreeSet<String>) -> Option<(String, Option<String>)> {
    let mut base: Vec<&str> = within.split("::").collect();
    let mut parts = path.split("::").peekable();
    match parts.next()? {
        "crate" => base.clear(),
        "super" => {
            base.pop();
            while parts.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        _ => {}
    }
    base.extend(parts);
    let mut lengths = (1..=base.len()).rev();
    lengths.find_map(|length| {
        let module = base.get(..length).map(|parts| parts.join("::")).filter(|name| modules.contains(name))?;
        Some((module, base.get(length).map(|name| (*name).to_owned())))
    })
}

#[test]
fn circles_are_found() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file("a/mod.rs", "mod b;\nuse crate::{\n    a::b::{X, Y},\n    c as d,\n};\n"),
        file("a/b.rs", "fn f() { super::g() }\n"),
        file("c.rs", "pub(in crate::e) fn g() {}\n// use crate::e;\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\n"),
        file("e.rs", "use crate::c::g;\npub use self::f::X;\n"),
    ];
    let imports = imports(&files);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(imports["a"], names(&["a::b", "c"]));
    assert_eq!(imports["c"], names(&[]));
    assert_eq!(circles(&imports), [names(&["a", "a::b"])].into());
    assert!(circles(&shortened(&imports, 1)).is_empty());
}

#[test]
fn what_is_only_shown_is_its_owners() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file(
            "a/mod.rs",
            "mod b;\n#[cfg(test)]\nmod tests;\nmod c;\npub use self::b::{X, Y};\npub(crate) use self::c::Z;\n",
        ),
        file("a/b.rs", "use super::Z;\n"),
        file("a/c.rs", "pub struct Z;\n"),
        file("d.rs", "pub use crate::a::X;\nfn f() { crate::a::g() }\n"),
        file("e.rs", "use crate::d::X;\n"),
    ];
    let imports = imports(&files);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(imports["a"], names(&["a::b", "a::c"]));
    assert_eq!(imports["a::b"], names(&["a::c"]));
    assert_eq!(imports["d"], names(&["a", "a::b"]));
    assert_eq!(imports["e"], names(&["a::b"]));
    assert!(circles(&imports).is_empty());
}
