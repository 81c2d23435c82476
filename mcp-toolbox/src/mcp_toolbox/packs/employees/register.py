"""The register of employees: one table and its queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from service_kit.store.database import Database
from sqlalchemy import BigInteger, Column, ColumnElement, Date, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from mcp_toolbox.errors import ToolFailedError
from mcp_toolbox.packs._words import folded

EMPLOYEES = Table(
    "employees",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("name_key", String),
    Column("email", String),
    Column("department", String),
    Column("department_key", String),
    Column("position", String),
    Column("salary_cents", BigInteger),
    Column("hired_on", Date),
)
_SHOWN = [column for column in EMPLOYEES.c if not column.name.endswith("_key")]


@dataclass(frozen=True)
class Employee:
    """An employee to be added to the register; the salary is in cents."""

    name: str
    email: str
    department: str
    position: str | None = None
    salary_cents: int | None = None
    hired_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Listed(Employee):
    """An employee in the register, with the id that the register has given."""

    id: int


@dataclass(frozen=True)
class Wanted:
    """The filters of a query; None means no filter."""

    department: str | None = None
    name_contains: str | None = None
    min_salary_cents: int | None = None
    max_salary_cents: int | None = None


@dataclass(frozen=True)
class Page:
    """A page of the matching employees, in the order in which they were added. `total` counts all matches. `after` is
    the id after which the next page begins, None on the last page."""

    employees: list[Listed]
    total: int
    after: int | None


class Register:
    """The employees of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: Wanted, limit: int, after: int) -> Page:
        """Returns at most `limit` of the matching employees, starting after the id `after`."""
        conditions = list(_conditions(wanted))
        rows = select(*_SHOWN).where(EMPLOYEES.c.id > after, *conditions).order_by(EMPLOYEES.c.id).limit(limit + 1)
        async with self._database.reading() as connection:
            found = [Listed(**row) for row in (await connection.execute(rows)).mappings()]
            total = await connection.scalar(select(func.count()).select_from(EMPLOYEES).where(*conditions))
        more = len(found) > limit
        return Page(found[:limit], total or 0, found[limit - 1].id if more else None)

    async def add(self, employee: Employee) -> Listed:
        """Adds an employee, and returns the new entry.

        Raises:
            ToolFailedError: another employee has that email address.
        """
        values = {column.name: getattr(employee, column.name) for column in _SHOWN if column.name != "id"}
        keys = {"name_key": folded(employee.name), "department_key": folded(employee.department)}
        statement = insert(EMPLOYEES).values(**values, **keys).returning(EMPLOYEES.c.id)
        try:
            async with self._database.writing() as connection:
                id_ = (await connection.execute(statement)).scalar_one()
        except IntegrityError:
            raise ToolFailedError(
                f"There is already an employee with the email {employee.email}. Nobody was added."
            ) from None
        return Listed(**values, id=id_)


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    columns = EMPLOYEES.c
    if wanted.department is not None:
        yield columns.department_key == folded(wanted.department)
    if wanted.name_contains is not None:
        yield columns.name_key.contains(folded(wanted.name_contains), autoescape=True)
    if wanted.min_salary_cents is not None:
        yield columns.salary_cents >= wanted.min_salary_cents
    if wanted.max_salary_cents is not None:
        yield columns.salary_cents <= wanted.max_salary_cents
