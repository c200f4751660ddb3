#!/usr/bin/env python3
"""Records what the real loaders of env files make of a corpus of texts.

usage: record_env_readings.py [--random N --seed N --out FILE]

Writes tests/golden/env_readings.jsonl, a text a line with the readings of all loaders
(tests/cli/env_loaders.py says which), and refuses to while one is missing here. With --random the
corpus is of that many texts put together from pieces instead, for another FILE: for looking
further than the recorded ones. node's dotenv is looked for in DAGLOOP_NODE_MODULES.
"""

import argparse
import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cli"))
import env_loaders  # noqa: E402

RECORDED = ROOT / "tests" / "golden" / "env_readings.jsonl"
LINE_SEPARATOR = "\u2028"

# What may stand behind `OURS=`.
VALUES = [
    "10", "", "10 ", "10\t", " 10", "\t10", " 10 ", "10 # share", "10\t# share", "10 #", "10#share",
    "#10", " #10", "10 # a # b", "10 20", "10;", "10; B=2", "10 ; B=2", "10&", "10 & B=2", "10|cat",
    "10 && B=2", "10 || B=2", "(10)", "10)", "<10", "10>out", "'10'", '"10"', "`10`", "'10' # x",
    '"10" # x', "'10'  # it's", "'10'x", '"10"x', "x'10'", 'x"10"', "'1''0'", "\"1\"'0'", "'10",
    '"10', "`10", "10'", '10"', "10`", "'1\n0'", '"1\n0"', "`1\n0`", "'10\nX=1\n'", "10\\", "1\\0",
    "\\10", "10\\n", '"10\\"', "'10\\'", '"1\\"0"', "'1\\'0'", '"10\\n"', '"1\\\\0"', "'1\\\\0'",
    '"10\\\\"', "10\\\\", "$X", "${X}", "${X:-10}", "1$0", "$(echo 10)", "$((5+5))", "$(", "$(echo\n10)",
    '"$X"', "'$X'", '"$(echo 10)"', "\\$X", '"\\$X"', "~", "~/x", "a:~", "10\r", "10\rX=1", "1\r0",
    "'10'\r", '"10\r"', "10 \r", "10 # x\r", "10" + LINE_SEPARATOR, LINE_SEPARATOR + "10",
    "10" + LINE_SEPARATOR + "X=1", "10 # x" + LINE_SEPARATOR + "OURS=60", "10\u00a0", "\u00a010",
    "10\u00a0# x", "10\u0085", "10\u3000", "\ufeff10", "\u00e9", "10\x0b", "10\x0c", "10\x1c", "1\x1b0",
    "10\x7f", "*", "{1,2}", "!10", "10,5", "a=b", "a:b", "=10", "10=", "% 10", "true", "a/b:c,d+e-f.g",
    "[10]", "\"10\" '20'", '""', "''", '"', "'", "'\"10\"'", "\"'10'\"", "'''10'''", '"""10"""',
    "'10'#x", '"10"#x', '"10 # x"', "'10 # x'", "\"10\"\t", "  '10'  ",
]

# Whole lines before and behind a plain `OURS=10`.
FOREIGN = [
    "", "  ", "# note", "  # note", "#", "# it's \"open", "; note", ";note=1", "// note", "note",
    "note with words", "PATH", "export PATH", "export PATH HOME", "export OURS", "export", "OURS",
    "unset OURS", "export -n OURS", "readonly OURS", "a.b=1", "A-B=1", "spring.datasource.url=jdbc:x",
    "MY-KEY=1", "export a.b=1", "export A-B=1", "1A=1", "A B=1", "A =1", "A= 1", "A = 1", "=1", "A:1",
    "A: 1", "OURS: 60", "OURS : 60", "OURS =60", "OURS= 60", " OURS=60", "\tOURS=60", "export OURS=60",
    "export\tOURS=60", "export  OURS=60", "export A=1 OURS=60", "A=1 OURS=60", "OURS=60 A=1",
    "OURS=60 true", "OURS=60 nothing", "export export OURS=60", "exportOURS=60", "EXPORT OURS=60",
    "set OURS=60", "declare OURS=60", "OURS+=0", "OURS[0]=60", "OURS[1]=60", "'OURS'=60", '"OURS"=60',
    "O\\URS=60", "ours=60", "OURS_2=60", "MY_OURS=60", "A=it's", "A=5'6\"", 'A="open', "A='open",
    "A=`open", "A=\"x\nOURS=60\"", "A='x\nOURS=60\n'", "A=`x\nOURS=60\nX=last`", "A=(1 2)", "A=(", "A=$(",
    "A=$(echo x)", "A=`echo x`", "A=$(\nOURS=60\n)", "A=\\", "A=1\\", "A=1 \\", "# note \\", "A=\"x\\\"",
    "A='x\\'", "A='x\\'\nB='y'", "A=\"x\\\"\nB=\"y\"", "A=\"x\"y\"", "A=\"x\" y", "A='x' # it's",
    "# old\rOURS=60", "A=1\rOURS=60", "A='1\rOURS=60'", "# x" + LINE_SEPARATOR + "OURS=60",
    "A=1" + LINE_SEPARATOR + "OURS=60", "A=\"1" + LINE_SEPARATOR + "OURS=60\"", "\ufeffA=1", "\ufeff",
    "A=1;OURS=60", "A=1; OURS=60", "A=1 && OURS=60", "A=1 || OURS=60", "A=1 & OURS=60",
    "A=http://x/?a=1&b=2", "A=http://x/?a=1&OURS=60", "A=a|OURS=60", "A=${OURS:=60}", "A=$((OURS=60))",
    "{", "}", "if true; then OURS=60; fi", "f() { OURS=60; }", "cat <<E\nOURS=60\nE", "source other",
    ". other", "eval OURS=60", "exit", "return", "exit 1", "true", ":", "K\u00c4=1", "\u00e9=1", "A\u00a0=1",
    "\u00a0OURS=60", "\u3000OURS=60", "OURS\u00a0=60", "\x0bOURS=60", "\x0cOURS=60", "export\x0bOURS=60",
    "OURS\n=60", "export\nOURS=60", "A\n=1", "A=\n'OURS=60'", "A:\nOURS=60", "A:\n", "A= \n", "A=\t# x",
    "A=", "A=# x", "A=#x", "<<<", ">>>", "!", "[section]", "%A=1", "$A=1", "${A}=1", "~=1", "*=1", "?=1",
    "A=1\r", "\r", "# x\r", "'A'=1", "A=1 # it's", "A=$X", "A=${X", "A=$'x\\'", "A=$'x'", 'A=$"x"',
]
BYTES = [b"A=\xff\nOURS=10\n", b"# caf\xe9\nOURS=10\n", b"OURS=10\xff\n", b"\xff=1\nOURS=10\n",
         b"OURS=10\nA='\xe9'\n", b"\xe9\nOURS=10\n", b"A=" + b"x" * 70000 + b"\nOURS=10\n"]
PIECES = VALUES[:60] + ["OURS=", "A=", "export ", "OURS=10\n", "OURS=10", "\n", "\n", "\n", "\r\n", "#", "'",
                        '"', "`", "\\", " ", "=", ":", ";", "&", "\r", LINE_SEPARATOR, "x", "$X", "\t"]


def corpus():
    texts = ["OURS=" + value + "\nLAST=1\n" for value in VALUES]
    texts += ["export OURS=" + value + "\n" for value in VALUES[::3]]
    texts += [line + "\nOURS=10\nLAST=1\n" for line in FOREIGN]
    texts += ["OURS=10\n" + line for line in FOREIGN]
    texts += ["OURS=10", "OURS=10\r\nLAST=1\r\n", "\nOURS=10\n\n", "", "\n\n\n", "OURS=10\nOURS=20\n"]
    found = [text.encode() for text in texts] + BYTES
    return list(dict.fromkeys(found))


def random_corpus(count, seed):
    source = random.Random(seed)
    texts = []
    for _ in range(count):
        pieces = source.choices(PIECES + FOREIGN, k=source.randint(2, 9))
        texts.append("".join(piece + source.choice(["", "", "\n"]) for piece in pieces).encode())
    return list(dict.fromkeys(texts))


def as_document(text, readings):
    """Loaders that read the same stand together."""
    groups = []
    for name, reading in readings.items():
        same = [group for group in groups if group[1] == reading]
        if same:
            same[0][0].append(name)
        else:
            groups.append([[name], reading])
    try:
        document = {"text": text.decode()}
    except UnicodeDecodeError:
        document = {"hex": text.hex()}
    return {**document, "readings": groups}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--random", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default=str(RECORDED))
    arguments = parser.parse_args()
    missing = [loader.name for loader in env_loaders.LOADERS if not loader.is_here]
    if missing:
        sys.exit("record_env_readings: not installed: %s; install the packages of [loaders] in "
                 "scripts/packages.txt, and node's dotenv" % ", ".join(missing))
    texts = random_corpus(arguments.random, arguments.seed) if arguments.random else corpus()
    columns = {loader.name: env_loaders.readings_of(loader, texts) for loader in env_loaders.LOADERS}
    with open(arguments.out, "w", encoding="utf-8") as out:
        for number, text in enumerate(texts):
            readings = {name: column[number] for name, column in columns.items()}
            out.write(json.dumps(as_document(text, readings), ensure_ascii=True) + "\n")
    print("%d texts in %s" % (len(texts), arguments.out))


if __name__ == "__main__":
    main()
