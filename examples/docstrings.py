from typing import Annotated, Literal

from pydantic import Field

from agentkit import tool


@tool(effect="read")
def forecast(
    place: str,
    days: Annotated[int, Field(ge=1, le=14)] = 3,
    unit: Annotated[Literal["celsius", "fahrenheit"], "Unit of the temperatures."] = "celsius",
) -> str:
    """The weather of the coming days.

    Args:
        place: A city, with its country where the name is not unique.
        days: How many days to look ahead.
    """
    return f"{place}: {days} days of rain ({unit})"


print(forecast.description)
for name, schema in forecast.parameters["properties"].items():
    print(f"{name}: {schema.get('description')}")
