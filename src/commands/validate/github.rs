//! Problems as workflow commands of GitHub Actions, which shows them beside the line. Nothing in a plan or in a file's
//! name can make a second command.

use crate::report::text::clean;

use super::problem::Problem;

/// One line: `::error file=…,line=…::message`.
pub fn command(problem: &Problem) -> String {
    let place = &problem.place;
    let mut properties = format!("file={},line={},col={}", property(&place.file), place.line, place.column);
    // GitHub takes an end column only on the same line.
    match place.end_line == place.line {
        true => properties.push_str(&format!(",endColumn={}", place.end_column)),
        false => properties.push_str(&format!(",endLine={}", place.end_line)),
    }
    let title = format!("{}: {}", problem.code, problem.message);
    let related = problem.related.iter().map(|other| format!("line {}: {}", other.place.line, other.message));
    let lines: Vec<_> =
        [problem.message.clone()].into_iter().chain(related).chain(problem.help.iter().cloned()).collect();
    let message: Vec<_> = lines.iter().map(|line| data(line)).collect();
    format!("::{} {properties},title={}::{}\n", problem.severity, property(&title), message.join("%0A"))
}

/// Text of the message, harmless and on one line.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::validate::problem::Place;

    #[test]
    fn nothing_in_it_is_a_second_command() {
        let evil = "a%,b:c\n::set-output name=x::y\u{1b}[2J##[error]\r::error::z";
        let place = Place { file: evil.into(), line: 3, column: 5, end_line: 3, end_column: 9 };
        let problem = Problem {
            place,
            code: "P010",
            severity: "error",
            message: evil.into(),
            help: vec!["50 % of it".into(), evil.into()],
            related: vec![],
            fix: None,
        };
        let shown = command(&problem);
        assert!(shown.starts_with("::error file=a%25%2Cb%3Ac"), "{shown}");
        assert!(shown.contains(",line=3,col=5,endColumn=9,title=P010%3A a"), "{shown}");
        assert!(shown.contains("%0A50 %25 of it%0A"), "{shown}");
        assert_eq!(shown.matches('\n').count(), 1, "{shown}");
        assert!(!shown.contains(['\r', '\u{1b}']) && !shown.contains("##[error]"), "{shown}");
    }
}
