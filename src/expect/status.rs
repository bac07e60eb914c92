//! A set of status codes.

/// A set of status codes, as inclusive ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet {
    ranges: Box<[(u16, u16)]>,
}

impl StatusSet {
    /// What passes when a plan says nothing: below 400.
    pub fn below_400() -> Self {
        Self::new([(0, 399)])
    }

    /// The union of inclusive ranges.
    pub fn new(ranges: impl IntoIterator<Item = (u16, u16)>) -> Self {
        Self { ranges: ranges.into_iter().collect() }
    }

    /// Whether a status is in it.
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&status))
    }

    /// The set an expression over the status alone stands for: `status == 200`, `status < 400`,
    /// `status in [200, 201]`.
    pub fn from_expression(source: &str) -> Option<Self> {
        let rest = source.strip_prefix("status")?;
        if let Some(list) = rest.trim_start().strip_prefix("in") {
            let list = list.trim().strip_prefix('[')?.strip_suffix(']')?;
            let codes: Option<Vec<_>> = list.split(',').map(|code| code.trim().parse::<u16>().ok()).collect();
            return Some(Self::new(codes?.into_iter().map(|code| (code, code))));
        }
        let rest = rest.trim_start();
        let sign_end = rest.find(|c: char| !"=!<>".contains(c))?;
        let (sign, number) = rest.split_at(sign_end);
        let code: u16 = number.trim().parse().ok()?;
        let below = code.checked_sub(1);
        let above = code.checked_add(1);
        Some(Self::new(match sign {
            "==" => vec![(code, code)],
            "!=" => below.map(|b| (0, b)).into_iter().chain(above.map(|a| (a, u16::MAX))).collect(),
            "<" => below.map(|b| (0, b)).into_iter().collect(),
            "<=" => vec![(0, code)],
            ">" => above.map(|a| (a, u16::MAX)).into_iter().collect(),
            ">=" => vec![(code, u16::MAX)],
            _ => return None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_over_the_status_alone() {
        for (source, yes, no) in [
            ("status == 200", 200, 201),
            ("status==200", 200, 404),
            ("status != 500", 499, 500),
            ("status < 400", 399, 400),
            ("status <= 204", 204, 205),
            ("status > 199", 200, 199),
            ("status >= 500", 500, 499),
            ("status in [200, 201]", 201, 202),
        ] {
            let set = StatusSet::from_expression(source).unwrap();
            assert!(set.contains(yes) && !set.contains(no), "{source}");
        }
        for other in
            ["status == json.x", "status in codes", "statuses == 1", "status == 200 and size > 3", "status"]
        {
            assert_eq!(StatusSet::from_expression(other), None, "{other}");
        }
    }
}
