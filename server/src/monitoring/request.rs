//! Requests and answers of HTTP/1.1, as far as monitoring needs them.

/// The most bytes of a request that are read.
pub(super) const HEAD_BYTES_MAX: usize = 8 << 10;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The path without what follows a `?`.
    pub path: String,
    /// Whether it wants no body.
    pub head_only: bool,
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
    pub head_only: bool,
}

/// Whether the head of a request has come as a whole.
pub(super) fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|four| four == b"\r\n\r\n") || head.windows(2).any(|two| two == b"\n\n")
}

impl Request {
    /// Reads the head of a request; where there is something wrong, gives the answer to that.
    pub fn parse(head: &[u8]) -> Result<Self, Answer> {
        let refused = |status: u16, why: &str| Err(Answer::text(status, format!("{why}\n")));
        if !is_whole(head) {
            return match head.len() < HEAD_BYTES_MAX {
                true => refused(400, "the request ends before its head does"),
                false => refused(431, "the head of the request is too long"),
            };
        }
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_ascii_whitespace();
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return refused(400, "expected a method, a path and a version of HTTP");
        };
        if !version.starts_with("HTTP/1.") {
            return refused(505, "expected HTTP/1.1");
        }
        let head_only = match method {
            "GET" => false,
            "HEAD" => true,
            _ => return refused(405, "expected GET"),
        };
        let path = target.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(Self { path, head_only })
    }
}

impl Answer {
    /// An answer of plain text.
    pub fn text(status: u16, body: String) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body, head_only: false }
    }

    /// The answer as it is sent.
    pub fn into_bytes(self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "Internal Server Error",
        };
        let allow = if self.status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
            self.status,
            self.kind,
            self.body.len(),
        );
        let mut bytes = head.into_bytes();
        if !self.head_only {
            bytes.extend(self.body.into_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> u16 {
        Request::parse(head.as_bytes()).map_or_else(|refusal| refusal.status, |_| 200)
    }

    #[test]
    fn requests_are_read_and_others_refused() {
        let request = Request::parse(b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(request, Request { path: "/metrics".into(), head_only: false });
        assert!(Request::parse(b"HEAD / HTTP/1.0\n\n").unwrap().head_only);
        assert_eq!(status("POST /metrics HTTP/1.1\r\n\r\n"), 405);
        assert_eq!(status("GET /metrics\r\n\r\n"), 400);
        assert_eq!(status("GET /metrics HTTP/2\r\n\r\n"), 505);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\n"), 400);
        assert_eq!(status(&"x".repeat(HEAD_BYTES_MAX)), 431);
    }

    #[test]
    fn answers_say_how_long_they_are() {
        let answer = Answer::text(405, "é\n".into());
        let text = String::from_utf8(answer.clone().into_bytes()).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\né\n"
        );
        let head = Answer { head_only: true, ..answer }.into_bytes();
        assert!(String::from_utf8(head).unwrap().ends_with("\r\n\r\n"));
    }
}
