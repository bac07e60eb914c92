//! Problems as workflow commands of GitHub Actions, which shows them beside the line.

use crate::report::github;

use super::problem::Problem;

/// One line: `::error file=…,line=…::message`.
pub fn command(problem: &Problem) -> String {
    let place = &problem.place;
    let [line, column] = [place.line, place.column].map(|at| at.to_string());
    // GitHub takes an end column only on the same line.
    let end = match place.end_line == place.line {
        true => ("endColumn", place.end_column.to_string()),
        false => ("endLine", place.end_line.to_string()),
    };
    let title = format!("{}: {}", problem.code, problem.message);
    let related = problem.related.iter().map(|other| format!("line {}: {}", other.place.line, other.message));
    let lines: Vec<_> =
        [problem.message.clone()].into_iter().chain(related).chain(problem.help.iter().cloned()).collect();
    let properties = [
        ("file", place.file.as_str()),
        ("line", &line),
        ("col", &column),
        (end.0, &end.1),
        ("title", &title),
    ];
    // A line end inside one of them is no line of its own.
    let lines: Vec<_> = lines.iter().map(|line| line.replace('\n', " ")).collect();
    github::command(problem.severity, &properties, &lines.join("\n"))
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
