//! Which modules import which, as the source says, and where that goes in circles.

use std::collections::{BTreeMap, BTreeSet};

/// Modules by their names, as `client::sync::run`, each with those that it names outside its tests.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// Reads the modules of these files: paths below `src`, and texts.
pub fn imports(files: &[(String, String)]) -> Imports {
    let modules: BTreeSet<String> = files.iter().map(|(path, _)| module_of(path)).collect();
    let read = files.iter().map(|(path, text)| {
        let module = module_of(path);
        let named = paths_in(text).into_iter().filter_map(|path| resolve(&path, &module, &modules));
        let named = named.filter(|other| *other != module).collect();
        (module, named)
    });
    read.collect()
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

/// The paths that code names, those of its tests left out.
fn paths_in(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let code = lines.collect::<Vec<_>>().join(" ").replace("(in crate", "(");
    let is_ours = |path: &str| ["crate::", "super::", "self::"].iter().any(|start| path.starts_with(start));
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let import = format!(" {statement}");
        let (before, tree) = import.rsplit_once(" use ").unwrap_or((&import, ""));
        let (before, tree) = if is_ours(tree) || tree.starts_with("crate") { (before, tree) } else { (&*import, "") };
        paths.extend(branches(tree));
        paths.extend(before.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').map(str::to_owned));
    }
    paths.retain(|path| is_ours(path));
    paths
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

/// The module that a path names, or that has what it names.
fn resolve(path: &str, within: &str, modules: &BTreeSet<String>) -> Option<String> {
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
    let mut names = (1..=base.len()).rev().filter_map(|length| base.get(..length).map(|parts| parts.join("::")));
    names.find(|name| modules.contains(name))
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
