#!/usr/bin/env python3
"""online_retail_oracle.py FILE - what an import of Online Retail must count, computed another way.

Decimal arithmetic over Python's csv module; prints `name value` lines that test_online_retail.c reads.
"""
import csv
import decimal
import sys


def main():
    revenue = 0
    lines = returns = adjustments = guests = 0
    invoices, customers, skus = set(), set(), set()
    penny = decimal.Decimal("0.01")
    with open(sys.argv[1], newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            lines += 1
            invoices.add(row["InvoiceNo"])
            skus.add(row["StockCode"])
            if row["CustomerID"]:
                customers.add(row["CustomerID"])
            else:
                guests += 1
            cancelled = row["InvoiceNo"].startswith("C")
            returns += cancelled
            adjustments += not cancelled and (
                row["InvoiceNo"].startswith("A") or row["Quantity"].startswith("-"))
            amount = int(row["Quantity"]) * decimal.Decimal(row["UnitPrice"])
            revenue += int(amount.quantize(penny, decimal.ROUND_HALF_UP) * 100)
    near = len(skus) - len({s.lower() for s in skus})
    for name, value in (("lines", lines), ("invoices", len(invoices)), ("customers", len(customers)),
                        ("skus", len(skus)), ("return_lines", returns),
                        ("adjustment_lines", adjustments), ("guest_lines", guests),
                        ("near_skus", near), ("net_revenue_minor", revenue)):
        print(name, value)


main()
