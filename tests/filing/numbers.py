"""Numbers of companies and persons that nobody has: made up, with check digits that are right."""

from stdnum.cn import ric, uscc

from incidents.filing.people import organisation_check_digit


def company(area: str = "110105", organisation: str = "00000001", issuer: str = "91") -> str:
    """A unified social credit code."""
    body = f"{issuer}{area}{organisation}{organisation_check_digit(organisation)}"
    return body + uscc.calc_check_digit(body)


def person(born: str = "19900101", area: str = "110105", order: str = "000") -> str:
    """A number of an identity card; `born` as 19900101."""
    body = f"{area}{born}{order}"
    return body + ric.calc_check_digit(body + "0")


def other_check_digit(number: str) -> str:
    """The number with the next check digit, which is wrong."""
    return number[:-1] + ("0" if number[-1] == "1" else "1")
