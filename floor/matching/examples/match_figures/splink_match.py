"""Splink on the files of `musubi match`, end to end, as a measure of speed and accuracy.

Usage: python splink_match.py FOLDER OUT   (FOLDER has register.csv and queries.csv; pip install splink)
"""

import csv
import re
import sys
import time
import unicodedata

import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

ERAS = {"明治": 1867, "M": 1867, "大正": 1911, "T": 1911, "昭和": 1925, "S": 1925, "平成": 1988, "H": 1988, "令和": 2018, "R": 2018}


def birth(text):
    text = unicodedata.normalize("NFKC", text).replace("元年", "1年")
    match = re.match(r"(明治|大正|昭和|平成|令和|[MTSHR])\D?(\d{1,2})\D?(\d{2})\D?(\d{2})$", text) or re.match(
        r"(明治|大正|昭和|平成|令和|[MTSHR])\.?(\d{1,2})\D(\d{1,2})\D(\d{1,2})", text
    )
    if match:
        return f"{ERAS[match[1]] + int(match[2]):04}-{int(match[3]):02}-{int(match[4]):02}"
    match = re.match(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})", text)
    return f"{int(match[1]):04}-{int(match[2]):02}-{int(match[3]):02}" if match else None


def plain(text):
    return unicodedata.normalize("NFKC", text).replace(" ", "") or None


def read(path, key, birth_column):
    rows = []
    for row in csv.DictReader(open(path, encoding="utf-8")):
        rows.append(
            {
                "unique_id": row[key],
                "name": plain(row["name"]),
                "kana": plain(row["kana"]),
                "birth": birth(row[birth_column]),
                "address": plain(row["address"]),
            }
        )
    return pd.DataFrame(rows)


def main(folder, out):
    start = time.time()
    left = read(f"{folder}/register.csv", "person_id", "birth_date")
    right = read(f"{folder}/queries.csv", "query_id", "birth")
    database = DuckDBAPI()
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("name", [0.9, 0.7]).configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("kana", [0.9, 0.7]),
            cl.LevenshteinAtThresholds("birth", [1, 2]),
            cl.JaroWinklerAtThresholds("address", [0.95, 0.85]),
        ],
        blocking_rules_to_generate_predictions=[block_on("birth"), block_on("name"), block_on("kana"), block_on("address")],
    )
    tables = [
        database.register(left, dataset_display_name="left_register"),
        database.register(right, dataset_display_name="right_queries"),
    ]
    linker = Linker(tables, settings, log_level=40)
    linker.training.estimate_probability_two_random_records_match([block_on("name", "birth")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("birth"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("name"))
    found = linker.inference.predict(threshold_match_probability=0.99).as_pandas_dataframe()
    best = found.sort_values("match_weight", ascending=False).drop_duplicates("unique_id_r")
    best[["unique_id_r", "unique_id_l", "match_weight"]].to_csv(
        out, index=False, header=["query_id", "person_id", "score"]
    )
    print(f"splink: {len(best)} links, {time.time() - start:.2f} s end to end")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
