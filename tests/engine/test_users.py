"""Users, their passwords, and who they are to the verbs."""

from __future__ import annotations

import pytest

from engine import passwords, sessions, sign_in_links, users
from engine.demo import OWNER_SLACK_ID, TEAM
from engine.errors import NotAllowed, NotFound
from engine.passwords import PasswordRefused
from engine.postgres import Connection
from engine.settings import Settings
from engine.users import User, UserInvalid

PASSWORD = "four words in a row"
SETTINGS = Settings(
    _env_file=None,  # type: ignore[call-arg]
    secret_key="a-secret-for-tests-that-is-long-enough",  # type: ignore[arg-type]
    slack_team_id=TEAM,
)


def add(conn: Connection, email: str = "chris@example.com", **more: str) -> User:
    given = {"name": "Chris", "role": "admin"} | more
    return users.create(conn, email=email, by="test", **given)  # type: ignore[arg-type]


def logged(conn: Connection) -> list[tuple[str, str, str]]:
    rows = conn.execute(
        "select event_type, actor, output_summary from task_events order by created_at, id"
    )
    return [(row["event_type"], row["actor"], row["output_summary"]) for row in rows]


def test_every_change_is_an_event_that_names_people_by_id(conn: Connection) -> None:
    chris, sam = add(conn), add(conn, "sam@example.com", name="Sam", role="viewer")
    users.set_role(conn, sam.id, "admin", by=users.person(chris, "web"))
    users.set_password(conn, sam.id, PASSWORD, by="test")
    users.set_slack_user_id(conn, sam.id, "U0SAM", by="test")
    users.disable(conn, sam.id, by="test")
    users.disable(conn, sam.id, by="test")
    users.enable(conn, sam.id, by="test")
    assert logged(conn) == [
        ("user_added", "test", f"user {chris.id} role admin"),
        ("user_added", "test", f"user {sam.id} role viewer"),
        ("user_changed", f"web:{chris.id}", f"user {sam.id} role admin"),
        ("user_changed", "test", f"user {sam.id} password"),
        ("user_changed", "test", f"user {sam.id} slack U0SAM"),
        ("user_changed", "test", f"user {sam.id} disabled"),
        ("user_changed", "test", f"user {sam.id} enabled"),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"email": "no address"}, "is not an e-mail address"),
        ({"role": "owner"}, "is not one of: admin, viewer"),
        ({"slack_user_id": "@sam"}, "is not a Slack member id"),
        ({"email": "CHRIS@example.com"}, "belongs to a user already"),
        ({"email": "other@example.com", "slack_user_id": "U0CHRIS"}, "belongs to a user already"),
    ],
)
def test_what_cannot_be_a_user(conn: Connection, given: dict[str, str], said: str) -> None:
    add(conn, slack_user_id="U0CHRIS")
    with pytest.raises(UserInvalid, match=said):
        add(conn, **({"email": "sam@example.com"} | given))


def test_a_slack_id_is_one_persons(conn: Connection) -> None:
    add(conn, slack_user_id="U0CHRIS")
    sam = add(conn, "sam@example.com")
    with pytest.raises(UserInvalid, match="another user"):
        users.set_slack_user_id(conn, sam.id, "U0CHRIS", by="test")
    assert users.set_slack_user_id(conn, sam.id, "", by="test").slack_user_id is None


def test_an_unknown_user_is_answered_with_who_there_is(conn: Connection) -> None:
    add(conn)
    with pytest.raises(NotFound, match=r"chris@example\.com"):
        users.get_by_email(conn, "criss@example.com")
    assert users.get_by_email(conn, " Chris@Example.com ").name == "Chris"


def test_the_last_admin_stays(conn: Connection) -> None:
    chris = add(conn)
    for attempt in (
        lambda: users.disable(conn, chris.id, by="test"),
        lambda: users.set_role(conn, chris.id, "viewer", by="test"),
    ):
        with pytest.raises(UserInvalid, match="the only admin"):
            attempt()
    add(conn, "sam@example.com")
    users.disable(conn, chris.id, by="test")
    assert users.get(conn, chris.id).disabled_at is not None


def test_a_password_is_kept_as_a_hash_of_todays_strength(conn: Connection) -> None:
    add(conn, password=PASSWORD)
    stored = users.get_by_email(conn, "chris@example.com").password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in repr(users.get_by_email(conn, "chris@example.com"))
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.matches(stored, PASSWORD + " ")
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches("no hash at all", PASSWORD)


def test_keyboards_that_write_the_same_letter_differently() -> None:
    assert passwords.matches(passwords.hashed("grüne wiese im mai"), "gru\u0308ne wiese im mai")


@pytest.mark.parametrize(
    "easy",
    ["short", "passwordpassword1", "aaaaaaaaaaaaaaaa", "ababababababab", "chris@example.com",
     "Qwertyuiop12!", "x" * 300]
)  # fmt: skip
def test_easy_passwords_are_refused(conn: Connection, easy: str) -> None:
    with pytest.raises(PasswordRefused):
        add(conn, password=easy)


def test_a_hash_from_before_is_renewed_at_the_next_sign_in(conn: Connection) -> None:
    from argon2 import PasswordHasher

    chris = add(conn)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    users.sql.set_password(conn, user_id=chris.id, password_hash=weak)
    users.renew_hash(conn, users.get(conn, chris.id), PASSWORD)
    renewed = users.get(conn, chris.id).password_hash
    assert renewed is not None
    assert renewed != weak
    assert passwords.matches(renewed, PASSWORD)


def test_a_new_password_voids_what_was_out(conn: Connection) -> None:
    chris = add(conn)
    here, there = (sessions.begin(conn, chris.id, device="") for _ in range(2))
    url = users.make_sign_in_link(conn, SETTINGS, chris.id, minutes=15)
    users.set_password(conn, chris.id, PASSWORD, by="test", but=sessions.hash_of(here))
    assert sessions.user_of(conn, here) == chris.id
    assert sessions.user_of(conn, there) is None
    assert sign_in_links.use(conn, url.rpartition("/")[2]) is None


def test_enabling_does_not_bring_old_sign_ins_back(conn: Connection) -> None:
    add(conn)
    sam = add(conn, "sam@example.com")
    token = sessions.begin(conn, sam.id, device="")
    users.disable(conn, sam.id, by="test")
    users.enable(conn, sam.id, by="test")
    assert sessions.user_of(conn, token) is None


def test_a_link_is_used_once(conn: Connection) -> None:
    chris = add(conn)
    url = users.make_sign_in_link(conn, SETTINGS, chris.id, minutes=15)
    token = url.removeprefix("http://127.0.0.1:8080/sign-in/link/")
    assert sign_in_links.user_of(conn, token) == chris.id
    assert sign_in_links.use(conn, token) == chris.id
    assert sign_in_links.use(conn, token) is None
    stored = conn.execute("select token_hash from sign_in_links").fetchall()
    assert token.encode() not in bytes(stored[0]["token_hash"])


# -- who acts ---------------------------------------------------------------------------


def test_a_viewer_may_look_and_not_act(conn: Connection) -> None:
    viewer = users.person(add(conn, role="viewer"), "web")
    with pytest.raises(NotAllowed):
        viewer.must_act()
    assert users.person(add(conn, "sam@example.com", name=""), "web").name == "sam"


def test_only_listed_people_of_our_team_answer_in_slack(conn: Connection) -> None:
    def who(slack_user_id: str, team: str = TEAM) -> str | None:
        person = users.person_for_slack(conn, slack_user_id, team, SETTINGS)
        return person and str(person)

    chris = add(conn, slack_user_id=OWNER_SLACK_ID)
    sam = add(conn, "sam@example.com", slack_user_id="U0SAM")
    add(conn, "vera@example.com", slack_user_id="U0VERA", role="viewer")
    assert who(OWNER_SLACK_ID) == f"slack:{chris.id}"
    assert who(OWNER_SLACK_ID, "T0ELSEWHERE") is None
    assert who(OWNER_SLACK_ID, "") is None
    assert who("U0VERA") is None
    assert who("") is None
    users.disable(conn, sam.id, by="test")
    assert who("U0SAM") is None
