"""The tools of the pack *employees*."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from mcp_toolbox.packs._words import Line
from mcp_toolbox.packs.employees.register import Employee, Listed, Register, Wanted
from mcp_toolbox.registry.numbers import Number
from mcp_toolbox.registry.tool import Hints, Tool, from_function

_MOST_MONEY = Decimal(10) ** 12
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


def _email(text: str) -> str:
    address = text.strip().lower()
    if len(address.partition("@")[0]) > 64 or not _EMAIL.fullmatch(address):
        raise ValueError("must be an email address such as ana@example.com")
    return address


def _day(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return date.fromisoformat(value)
    raise ValueError("must be a day such as 2024-01-31")


def _cents(amount: Decimal) -> int:
    if not 0 <= amount <= _MOST_MONEY:
        raise ValueError(f"must be between 0 and {_MOST_MONEY:f}")
    cents = amount * 100
    if cents != cents.to_integral_value():
        raise ValueError("must have at most two decimals")
    return int(cents)


def _position(cursor: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", cursor):
        raise ValueError("must be the next_cursor of an earlier answer")
    return int(cursor)


Email = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_email)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Money = Annotated[Number, AfterValidator(_cents)]
"""An amount with two decimals at most, in cents once it is checked."""
Cursor = Annotated[str, AfterValidator(_position)]


@dataclass(frozen=True)
class EmployeeRow:
    """An employee as a model sees it."""

    id: int
    name: str
    email: str
    department: str
    position: str | None
    salary: float | None
    hired_on: str | None


@dataclass(frozen=True)
class EmployeePage:
    """A page of employees; `next_cursor` is null on the last one."""

    employees: list[EmployeeRow]
    total: int
    next_cursor: str | None


class EmployeeTools:
    """The pack's tools over one register."""

    def __init__(self, register: Register) -> None:
        self._register = register

    def tools(self) -> list[Tool]:
        reads = Hints(title="List employees", read_only=True, idempotent=True, open_world=False)
        adds = Hints(title="Add an employee", open_world=False)
        return [from_function(self.list_employees, reads), from_function(self.add_employee, adds)]

    async def list_employees(
        self,
        department: Annotated[
            Annotated[Line, Field(max_length=80)] | None,
            Field(description="Only those of this department; case and accents do not matter."),
        ] = None,
        name_contains: Annotated[
            Annotated[Line, Field(max_length=120)] | None,
            Field(description="Only those whose name has this in it; case and accents do not matter."),
        ] = None,
        min_salary: Annotated[Money | None, Field(description="Only those who earn at least this a year.")] = None,
        max_salary: Annotated[Money | None, Field(description="Only those who earn at most this a year.")] = None,
        limit: Annotated[int, Field(ge=1, le=100, description="How many to list at most.")] = 20,
        cursor: Annotated[
            Cursor | None, Field(description="The next_cursor of the page before; leave it out for the first page.")
        ] = None,
    ) -> EmployeePage:
        """List the company's employees, those that match every filter given, in pages. `total` says how many match;
        when next_cursor is not null, call again with it as cursor to get the next ones."""
        wanted = Wanted(department, name_contains, _as_cents(min_salary), _as_cents(max_salary))
        page = await self._register.page(wanted, limit, int(cursor or 0))
        rows = [_row(employee) for employee in page.employees]
        return EmployeePage(rows, page.total, None if page.after is None else str(page.after))

    async def add_employee(
        self,
        name: Annotated[Line, Field(max_length=120, description="Full name.")],
        email: Annotated[Email, Field(description="Email address at work; no two employees share one.")],
        department: Annotated[Line, Field(max_length=80, description="Department, such as Ventas.")],
        position: Annotated[
            Annotated[Line, Field(max_length=80)] | None, Field(description="What the employee does.")
        ] = None,
        salary: Annotated[Money | None, Field(description="Salary a year, with two decimals at most.")] = None,
        hired_on: Annotated[Day | None, Field(description="First day at work, as 2024-01-31.")] = None,
    ) -> EmployeeRow:
        """Add an employee to the company's register and return the new entry with its id. It fails when the email
        address belongs to an employee already."""
        return _row(await self._register.add(Employee(name, email, department, position, _as_cents(salary), hired_on)))


def _as_cents(checked: Any) -> int | None:
    return checked


def _row(employee: Listed) -> EmployeeRow:
    return EmployeeRow(
        id=employee.id,
        name=employee.name,
        email=employee.email,
        department=employee.department,
        position=employee.position,
        salary=None if employee.salary_cents is None else employee.salary_cents / 100,
        hired_on=employee.hired_on.isoformat() if employee.hired_on else None,
    )
