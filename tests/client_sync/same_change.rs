//! The same change made in two folders comes once; different values of one thing are never mixed.

use super::place::Desk;
use super::two_people::{settle, two_places};
use crate::harness::{Database, on_both_databases};

on_both_databases!(a_change_that_both_made_comes_once, different_values_ask);

/// What both began with, what each made of it, and what both must have in the end.
const SAME: [(&str, &str, &str, &str, &str); 9] = [
    (
        "tick",
        "- [ ] milk\n- [ ] bread\n",
        "- [x] milk\n- [ ] bread\n",
        "- [x] milk\n- [ ] bread\n- [ ] eggs\n",
        "- [x] milk\n- [ ] bread\n- [ ] eggs\n",
    ),
    (
        "slip",
        "teh end of teh day\n",
        "the end of the day\n",
        "the end of the day, at last\n",
        "the end of the day, at last\n",
    ),
    (
        "heading",
        "# Log\n",
        "# Log\n\n## Monday\n- mine\n",
        "# Log\n\n## Monday\n- yours\n",
        "# Log\n\n## Monday\n- mine\n- yours\n",
    ),
    (
        "date",
        "---\ndate: 2024-05-01\n---\n\ntext\n",
        "---\ndate: 2024-05-11\n---\n\ntext\n",
        "---\ndate: 2024-05-11\n---\n\ntext\nmore\n",
        "---\ndate: 2024-05-11\n---\n\ntext\nmore\n",
    ),
    (
        "formatter",
        "*  one\n*  two\n\n\nend",
        "- one\n- two\n\nend\n",
        "- one\n- two\n\nend\nP.S.\n",
        "- one\n- two\n\nend\nP.S.\n",
    ),
    ("deleted", "a\nb\nc\nd\n", "a\nd\n", "a\nd\ne\n", "a\nd\ne\n"),
    ("all", "old\n", "new\n", "new\n", "new\n"),
    ("emoji", "🎈 [ ] 文字\n", "🎈 [x] 文字\n", "🎈 [x] 文字 🎉\n", "🎈 [x] 文字 🎉\n"),
    ("crlf", "one\ntwo\n", "one\r\ntwo\r\n", "one\r\ntwo\r\n", "one\ntwo\n"),
];

fn a_change_that_both_made_comes_once(database: Database) {
    let desk = Desk::on(database);
    let before: Vec<(String, &str)> = SAME.iter().map(|case| (format!("{}.md", case.0), case.1)).collect();
    let before: Vec<(&str, &str)> = before.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let (here, there) = two_places(&desk, &before);
    // Documents without Yjs state keep the same rules.
    for (name, base, ..) in SAME {
        desk.ada.new_document(&format!("plain {name}"), base);
    }
    here.sync();
    there.sync();
    for (name, _, mine, yours, _) in SAME {
        for path in [format!("{name}.md"), format!("plain {name}.md")] {
            here.write(&path, mine);
            there.write(&path, yours);
        }
    }
    here.sync();
    there.sync();
    here.sync();
    let documents = desk.documents();
    for (name, _, _, _, expected) in SAME {
        assert_eq!(documents[&format!("{name}.md")], [expected], "{name}");
        assert_eq!(documents[&format!("plain {name}")], [expected], "plain {name}");
        for (place, path) in [(&here, format!("{name}.md")), (&there, format!("plain {name}.md"))] {
            assert_eq!(place.read(&path).replace('\r', ""), expected, "{path}");
        }
    }
    assert_eq!((here.read("crlf.md"), there.read("crlf.md")), ("one\r\ntwo\r\n".into(), "one\r\ntwo\r\n".into()));
    settle(&here, &there);
}

fn different_values_ask(database: Database) {
    let desk = Desk::on(database);
    let cases = [
        ("status.md", "status: draft\n\ntext\n", "status: one\n\ntext\n", "status: published\n\ntext\n"),
        ("date.md", "date: 2024-05-01\n", "date: 2024-05-11\n", "date: 2024-06-01\n"),
        ("new.md", "---\n---\n", "---\ndate: 1\n---\n", "---\ndate: 2\n---\n"),
    ];
    let before: Vec<(&str, &str)> = cases.iter().map(|case| (case.0, case.1)).collect();
    let (here, there) = two_places(&desk, &before);
    for (path, _, mine, yours) in cases {
        here.write(path, mine);
        there.write(path, yours);
    }
    here.sync();
    let ran = there.run(&["sync"]).expect(1);
    for (path, _, mine, yours) in cases {
        assert!(ran.says(&["conflict", path]), "{}", ran.stdout);
        assert_eq!(
            (there.read(path).as_str(), desk.documents()[path].as_slice()),
            (yours, [mine.to_owned()].as_slice())
        );
    }
    let shown = there.run(&["conflicts", ".", "--show", "status.md"]).expect(1).stdout;
    let marked = "<<<<<<< mine\nstatus: published\n=======\nstatus: one\n>>>>>>> theirs\n\ntext\n";
    assert_eq!(shown, marked);
    there.run(&["conflicts", ".", "--settle", "mine", "status.md", "date.md"]).expect(0);
    there.run(&["conflicts", ".", "--settle", "theirs", "new.md"]).expect(0);
    there.sync();
    here.sync();
    assert_eq!(here.files(), there.files());
    assert_eq!(here.read("status.md"), "status: published\n\ntext\n");
    assert_eq!(
        (here.read("date.md"), here.read("new.md")),
        ("date: 2024-06-01\n".into(), "---\ndate: 1\n---\n".into())
    );
}
