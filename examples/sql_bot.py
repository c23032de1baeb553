import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from agentkit import Agent, Model
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Sql

QUESTIONS = ("Who has ordered most?", "And what was it?")


def shop_in(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "shop.db")) as shop:
        shop.executescript("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id),
                article TEXT, pieces INTEGER, ordered TEXT
            );
            INSERT INTO customers VALUES (1, 'Ada', 'London'), (2, 'Grace', 'New York');
            INSERT INTO orders VALUES
                (1, 1, 'lamp', 2, '2026-01-09'), (2, 2, 'desk', 1, '2026-02-11'),
                (3, 1, 'chair', 4, '2026-03-02');
        """)
    return folder / "shop.db"


def without_a_key() -> ScriptedModel:
    total = "SELECT name, sum(pieces) AS n FROM {} GROUP BY name ORDER BY n DESC LIMIT 1"
    joined = "customers JOIN orders ON customers.id = customer"
    articles = "SELECT article, pieces FROM orders WHERE customer = 1 ORDER BY ordered"
    return ScriptedModel(
        call("sql_schema"),
        call("sql_query", sql=total.format("customer JOIN orders ON customer.id = customer")),
        call("sql_query", sql=total.format(joined)),
        "Ada has, with 6 pieces.",
        call("sql_query", sql=articles),
        "2 lamps and 4 chairs.",
    )


def answer(model: Model | str, database: Path) -> None:
    bot = Agent(model, instructions="Answer from the database.", tools=Sql(database).tools)
    result = None
    for question in QUESTIONS:
        print(">", question)
        result = bot.run_sync(question, session=result)
        print(result.output)


with tempfile.TemporaryDirectory() as folder:
    database = shop_in(Path(folder))
    if sys.argv[1:]:  # a model's name: python examples/sql_bot.py gpt-5-mini
        answer(sys.argv[1], database)
    else:
        scripted = without_a_key()
        answer(scripted, database)
        print("\nWhat the model has read:")
        for request in scripted.requests[1:4]:
            print(f"- {request.outputs[-1]}")
