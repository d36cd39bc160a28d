"""k and l of a published table as pycanon (PyPI) counts them. usage: judge.py SAFE.csv SENSITIVE"""
import sys
import pandas as pd
from pycanon import anonymity

table = pd.read_csv(sys.argv[1], sep=";", dtype=str, keep_default_na=False)
quasi = [column for column in table.columns if column != sys.argv[2]]
print(anonymity.k_anonymity(table, quasi), anonymity.l_diversity(table, quasi, [sys.argv[2]]))
