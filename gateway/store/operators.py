"""Accounts and sessions of operators, as operators.Accounts asks: working state, its changes on record."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, bindparam, delete, insert, null, select, update

from gateway.operators import Account, Role, Session
from gateway.ports import StoreUnavailableError
from gateway.store.audit import Audit
from gateway.store.compiling import text_of
from gateway.store.reader import Reader
from gateway.store.spelling import micros, moment
from gateway.store.tables import operators, sign_ins
from gateway.store.writer import PATIENCE, Writer

SEEN_PATIENCE = 1.0  # seconds that a page waits for the note that its session was used

_OF_NAME = operators.c.name == bindparam("of")
_ACTIVE = operators.c.revoked_at.is_(None)
_NOT_USED = operators.c.second_factor_step < bindparam("step")


def _setting(*where: Any, **values: str) -> str:
    """UPDATE of an operator who may sign in: each column to the parameter of that name."""
    bound: dict[str, Any] = {column: bindparam(name) for column, name in values.items()}
    return text_of(update(operators).where(_OF_NAME, _ACTIVE, *where).values(**bound))


_KNOWN = text_of(select(operators.c.id).where(_OF_NAME))
_ADD = text_of(insert(operators))
_RESTORE = text_of(
    update(operators)
    .where(_OF_NAME, operators.c.revoked_at.is_not(None))
    .values(
        role=bindparam("as_role"),
        password=bindparam("hash"),
        second_factor=null(),
        added_at=bindparam("at"),
        revoked_at=null(),
    )
)
_REVOKE = _setting(revoked_at="at")
_ROLE = _setting(role="as_role")
_PASSWORD = _setting(password="hash")  # noqa: S106 -- the parameter's name
_BIND = _setting(second_factor="sealed", second_factor_step="step")
_UNBIND = _setting(operators.c.second_factor.is_not(None), second_factor="none")
_STEP = _setting(_NOT_USED, operators.c.second_factor == bindparam("sealed"), second_factor_step="step")
_BEGIN = text_of(
    insert(sign_ins).from_select(
        ["token", "operator", "began_at", "seen_at", "expires_at"],
        select(
            bindparam("token"), operators.c.id, bindparam("at"), bindparam("at"), bindparam("until")
        ).where(operators.c.id == bindparam("of"), operators.c.password == bindparam("hash"), _ACTIVE),
    )
)
_FORGET = text_of(delete(sign_ins).where(sign_ins.c.expires_at <= bindparam("at")))
_SEEN = text_of(update(sign_ins).where(sign_ins.c.token == bindparam("of")).values(seen_at=bindparam("at")))
_END = text_of(delete(sign_ins).where(sign_ins.c.token == bindparam("of")))
_WHOSE = text_of(
    select(operators.c.name)
    .select_from(sign_ins.join(operators, operators.c.id == sign_ins.c.operator))
    .where(sign_ins.c.token == bindparam("of"))
)
_END_ALL = text_of(
    delete(sign_ins).where(
        sign_ins.c.token != bindparam("but"),
        sign_ins.c.operator == select(operators.c.id).where(_OF_NAME).scalar_subquery(),
    )
)
_SESSIONS = select(
    *operators.c, sign_ins.c.token, sign_ins.c.began_at, sign_ins.c.seen_at, sign_ins.c.expires_at
).select_from(sign_ins.join(operators, operators.c.id == sign_ins.c.operator))


class Operators:
    """Accounts on the writer's and the reader's connections."""

    def __init__(self, writer: Writer, reader: Reader, audit: Audit) -> None:
        self._writer = writer
        self._reader = reader
        self._audit = audit

    async def named(self, name: str) -> Account | None:
        """As operators.Accounts; so are all others."""
        found = await self._reader.rows(select(*operators.c).where(operators.c.name == name))
        return _account(found[0]) if found else None

    async def all(self) -> Sequence[Account]:
        return [
            _account(row) for row in await self._reader.rows(select(*operators.c).order_by(operators.c.name))
        ]

    async def add(self, name: str, role: Role, password: str, at: datetime, by: str) -> bool:
        values = {"as_role": role, "hash": password, "at": micros(at), "of": name}
        row = {
            "id": self._writer.ids.next(),
            "name": name,
            "role": role,
            "password": password,
            "second_factor": None,
            "second_factor_step": 0,
            "added_at": micros(at),
            "revoked_at": None,
        }

        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute(_RESTORE, values).rowcount:
                self._note(connection, by, "restore-operator", at, of=name, role=role)
                return True
            if connection.execute(_KNOWN, {"of": name}).fetchone():
                return False
            connection.execute(_ADD, row)
            self._note(connection, by, "add-operator", at, of=name, role=role)
            return True

        return await self._writer.run(work, PATIENCE)

    async def revoke(self, name: str, at: datetime, by: str) -> bool:
        return await self._change(
            _REVOKE, {"of": name, "at": micros(at)}, at, by, "revoke-operator", ends=True
        )

    async def change_role(self, name: str, role: Role, at: datetime, by: str) -> bool:
        values = {"of": name, "as_role": role}
        return await self._change(_ROLE, values, at, by, "change-role", role=role)

    async def change_password(self, name: str, password: str, at: datetime) -> None:
        values = {"of": name, "hash": password}
        await self._change(_PASSWORD, values, at, name, "change-password", ends=True)

    async def bind_second_factor(self, name: str, sealed: str, step: int, at: datetime) -> None:
        values = {"of": name, "sealed": sealed, "step": step}
        await self._change(_BIND, values, at, name, "bind-second-factor")

    async def remove_second_factor(self, name: str, at: datetime, by: str) -> bool:
        return await self._change(_UNBIND, {"of": name, "none": None}, at, by, "remove-second-factor")

    async def use_step(self, account: Account, step: int) -> bool:
        values = {"of": account.name, "sealed": account.second_factor, "step": step}
        return await self._writer.run(
            lambda connection: bool(connection.execute(_STEP, values).rowcount), PATIENCE
        )

    async def begin(self, account: Account, token: bytes, at: datetime, expires_at: datetime) -> bool:
        values = {
            "of": account.id,
            "hash": account.password,
            "token": token,
            "at": micros(at),
            "until": micros(expires_at),
        }

        def work(connection: sqlite3.Connection) -> bool:
            connection.execute(_FORGET, {"at": micros(at)})
            if not connection.execute(_BEGIN, values).rowcount:
                return False
            self._note(connection, account.name, "sign-in", at)
            return True

        return await self._writer.run(work, PATIENCE)

    async def failed(self, name: str, at: datetime) -> None:
        await self._audit.record(name, "fail-sign-in", at)

    async def session(self, token: bytes) -> Session | None:
        found = await self._reader.rows(_SESSIONS.where(sign_ins.c.token == token))
        return _session(found[0]) if found else None

    async def sessions(self) -> Sequence[Session]:
        found = await self._reader.rows(_SESSIONS.order_by(sign_ins.c.began_at.desc()))
        return [_session(row) for row in found]

    async def seen(self, token: bytes, at: datetime) -> None:
        values = {"of": token, "at": micros(at)}
        with suppress(StoreUnavailableError):
            await self._writer.run(lambda connection: connection.execute(_SEEN, values), SEEN_PATIENCE)

    async def end(self, token: bytes, at: datetime) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for (name,) in connection.execute(_WHOSE, {"of": token}).fetchall():
                connection.execute(_END, {"of": token})
                self._note(connection, name, "sign-out", at)

        await self._writer.run(work, PATIENCE)

    async def end_all(self, name: str, at: datetime, by: str, but: bytes = b"") -> bool:
        return await self._change(_END_ALL, {"of": name, "but": but}, at, by, "end-sessions")

    async def _change(
        self,
        statement: str,
        values: Mapping[str, object],
        at: datetime,
        by: str,
        what: str,
        *,
        ends: bool = False,
        **details: object,
    ) -> bool:
        """Run a statement about the account of `values["of"]`, and record it if it changed anything."""

        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(statement, values).rowcount:
                return False
            if ends:
                connection.execute(_END_ALL, {"of": values["of"], "but": b""})
            self._note(connection, by, what, at, of=values["of"], **details)
            return True

        return await self._writer.run(work, PATIENCE)

    def _note(
        self, connection: sqlite3.Connection, by: str, what: str, at: datetime, **details: object
    ) -> None:
        self._audit.note(connection, by, what, at, "", None, details)


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=cast(Role, row.role),
        password=row.password,
        second_factor=row.second_factor,
        second_factor_step=row.second_factor_step,
        added_at=moment(row.added_at),
        revoked_at=moment(row.revoked_at) if row.revoked_at is not None else None,
    )


def _session(row: Row[*tuple[Any, ...]]) -> Session:
    return Session(
        row.token, _account(row), moment(row.began_at), moment(row.seen_at), moment(row.expires_at)
    )
