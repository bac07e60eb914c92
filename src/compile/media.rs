//! Media types by the names of files. Must not look into a file.

/// The type of what a body template renders to, by its name: `x.json.j2` is JSON.
pub(super) fn of_template(file: &str) -> &'static str {
    let bare = file.strip_suffix(".j2").or_else(|| file.strip_suffix(".jinja")).unwrap_or(file);
    of(bare).unwrap_or("text/plain; charset=utf-8")
}

/// The type of a file that is sent as it is.
pub(super) fn of_file(file: &str) -> &'static str {
    of(file).unwrap_or("application/octet-stream")
}

fn of(file: &str) -> Option<&'static str> {
    let name = file.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "xml" => "application/xml",
        "html" | "htm" => "text/html; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "yaml" | "yml" => "application/yaml",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "tar" => "application/x-tar",
        "wasm" => "application/wasm",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_name() {
        assert_eq!(of_template("a/b.json.j2"), "application/json");
        assert_eq!(of_template("b.xml.jinja"), "application/xml");
        assert_eq!(of_template("json"), "text/plain; charset=utf-8");
        assert_eq!(of_file("a.b/c"), "application/octet-stream");
        assert_eq!(of_file("photo.JPG"), "image/jpeg");
    }
}
