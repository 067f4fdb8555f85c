//! Shell completions: bash takes the script and completes with it; the other shells' scripts name every command.

use std::process::Command;

use super::place::Desk;

/// What bash offers for a line whose last word is being typed.
fn offered(script: &str, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let program = format!(
        "{script}\ncomplete -p landfall >/dev/null || exit\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_landfall landfall '{last}' \
         '{before}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1
    );
    let output = Command::new("bash").args(["--norc", "-uc", &program]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let desk = Desk::new();
    let script = desk.unconnected().run(&["completions", "bash"]).expect(0).stdout;
    assert_eq!(offered(&script, "landfall wat"), ["watch"]);
    assert_eq!(offered(&script, "landfall sync --dry"), ["--dry-run"]);
    assert_eq!(offered(&script, "landfall sync --direction pu"), ["push", "pull"]);
    assert_eq!(offered(&script, "landfall completions ba"), ["bash"]);
    assert!(offered(&script, "landfall yjs").is_empty(), "what nobody starts by hand is not offered");
    let all = offered(&script, "landfall ");
    for command in ["serve", "migrate", "init", "sync", "conflicts", "completions"] {
        assert!(all.iter().any(|offer| offer == command), "{command} is not in {all:?}");
    }
}

#[test]
fn every_shell_gets_a_script() {
    let desk = Desk::new();
    let place = desk.unconnected();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).expect(0).stdout;
        for command in ["serve", "sync", "watch", "conflicts", "verify"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let ran = place.run(&["completions", "tcsh"]).expect(2);
    assert!(ran.says(&["tcsh"]), "{}", ran.stderr);
    assert!(place.run(&["completions", "--help"]).expect(0).says(&["landfall completions bash >"]));
}
