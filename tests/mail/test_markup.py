"""Pages become the text that a person would have seen."""

from __future__ import annotations

import pytest

from engine.mail.markup import to_text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>Hi</p><p>there &amp; <b>you</b><br>x</p>", "Hi\n\nthere & you\nx"),
        ("  spaces \n and\tlines ", "spaces and lines"),
        ("<style>a{}</style><script>b()</script><div>a<div>b</div></div>", "a\n\nb"),
        ('<div style="display:none">preheader</div>seen', "seen"),
        ('<div style="overflow:hidden" class="hidden">seen</div>', "seen"),
        ("<!-- c --><!DOCTYPE html>text<?xml x?>", "text"),
        ("a < b and c > d", "a < b and c > d"),
        ("<ul><li>one<li>two</ul>end", "- one\n- two\n\nend"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<img alt="Our logo" src=x>', "[Our logo]"),
        ("<div>yes</div><blockquote>old<br>two</blockquote>", "yes\n\n> old\n> two"),
        ("<tr><td>Email:</td><td><p>a@b.example</p></td></tr>", "Email:\n\na@b.example"),
        ("<tr><td>Name</td> <td>Jane</td></tr>", "Name\tJane"),
        ('<a href="https://x.example/y?u=1">click</a>', "click <https://x.example/y?u=1>"),
        ('<a href="https://x.example/">x.example</a>', "x.example"),
        ('<a href="mailto:a@b.example?subject=x">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:a@b.example">write</a>', "write <a@b.example>"),
        ('<a href="javascript:x()">run</a>', "run"),
        # Broken pages lose nothing that was meant to be read.
        ("<script>never closed", "never closed"),
        ('<div style="display:none">never closed <p>hello', "never closed\n\nhello"),
        ("<!-- never closed <b>hello</b>", "never closed hello"),
        ('<a href="x>hello</a>', "hello"),
    ],
)
def test_page(page: str, text: str):
    assert to_text(page) == text
