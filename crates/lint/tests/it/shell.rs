//! Rules on the scripts of `RUN`.

use expect_test::expect;

use crate::check::{check, silent};

#[test]
fn shell_syntax() {
    check(
        "SL5001",
        "FROM a\nRUN if x; \\\n  # why\n  then 'y; fi\nRUN <<E\necho a\ncase b in\nE\nRUN bash <<E\n(\nE\n",
        expect![[r#"
            4:8 error SL5001 this `'` is never closed
            7:1 error SL5001 `esac` is missing
            10:1 error SL5001 this `(` is never closed
        "#]],
    );
    silent(
        "SL5001",
        &[
            "FROM a\nRUN if x; \\\n  then y; \\\n # z\n fi\nRUN cat <<E >/f && x\n'\nE\n",
            "FROM a\nRUN <<E\n#!/usr/bin/env python3\nif x:\nE\nRUN python3 <<E\n'\nE\n",
            "FROM a\nSHELL [\"powershell\", \"-Command\"]\nRUN $x = ('{0}' -f $y);\n",
            "FROM a AS b\nSHELL [\"cmd\", \"/S\"]\nFROM b\nRUN if (x) (y)\n",
            "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nRUN if (x) (y)\n",
            "# escape=`\nFROM a\nRUN if (x) (y)\n",
            "FROM a\n# hadolint shell=pwsh\nRUN if (x) (y)\n",
        ],
    );
}
