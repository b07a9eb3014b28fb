# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bash and zsh offer on Tab: Bash(...) and Zsh(...), each with offers(line)."""
import os
import pty
import select
import subprocess
import time

PATIENCE_S = 60

BASH = r"""
source "$1"
mapfile -d '' -t lines
for COMP_LINE in "${lines[@]}"; do
  COMP_POINT=${#COMP_LINE}
  COMPREPLY=()
  _migtune migtune
  printf '%s\n' "${COMPREPLY[@]}"
  printf '\0'
done
"""

# compadd tells what it adds. What is asked for other purposes (-O, -A, -D) goes its way.
ZSH = r"""
unsetopt beep prompt_cr prompt_sp
PROMPT='' PS2='' RPROMPT=''
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' verbose no
LISTMAX=0
compadd() {
  local -a hits=()
  if [[ ${@[1,(i)(-|--)]} == *-[a-zA-Z12]#[OAD]\ * ]]; then
    builtin compadd "$@"
    return
  fi
  builtin compadd -A hits "$@"
  print -rl -- $hits >>$MIGTUNE_TEST_OFFERS
  builtin compadd "$@"
}
finish() { print -r -- END >>$MIGTUNE_TEST_OFFERS; BUFFER=; zle -R }
zle -N finish
bindkey '^T' expand-or-complete
bindkey '^X' finish
setopt extended_glob no_auto_menu no_list_ambiguous
print READY
"""


class Bash:
    """bash without a terminal, as the completion's test sees it."""

    def __init__(self, completion, environment):
        self.completion, self.environment = completion, environment

    def all_offers(self, lines):
        """What is offered for each of the lines, sorted."""
        done = subprocess.run(["bash", "--noprofile", "--norc", "-c", BASH, "bash", self.completion],
                              input="".join(f"{line}\0" for line in lines), env=self.environment, text=True,
                              capture_output=True, timeout=PATIENCE_S, check=True)
        if done.stderr:
            raise AssertionError(done.stderr)
        return [sorted(filter(None, part.split("\n"))) for part in done.stdout.split("\0")[:-1]]

    def offers(self, line):
        """What is offered for one."""
        return self.all_offers([line])[0]


class Zsh:
    """zsh on a terminal of its own."""

    def __init__(self, directory, completions, environment):
        self.log = os.path.join(directory, "offers")
        init = os.path.join(directory, "init.zsh")
        with open(init, "w", encoding="ascii") as f:
            f.write(f"fpath=({completions} $fpath)\n{ZSH}")
        with open(self.log, "w", encoding="ascii"):
            pass
        self.master, slave = pty.openpty()
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=dict(environment, MIGTUNE_TEST_OFFERS=self.log, TERM="dumb", HOME=directory, ZDOTDIR=directory))
        os.close(slave)
        self._write(f"source {init}\n")
        self._until(lambda text: "READY" in text)

    def _write(self, text):
        os.write(self.master, text.encode())

    def _until(self, condition):
        """Reads what the terminal shows until the condition holds of it."""
        text, end = "", time.monotonic() + PATIENCE_S
        while not condition(text):
            if time.monotonic() > end:
                raise AssertionError(f"zsh says: {text!r}")
            if select.select([self.master], [], [], 0.02)[0]:
                text += os.read(self.master, 65536).decode(errors="replace")

    def offers(self, line):
        """What is offered for a line, sorted."""
        with open(self.log, "w", encoding="ascii"):
            pass
        self._write(line + "\x14\x18")
        self._until(lambda text: self._log().endswith("END\n"))
        return sorted(set(filter(None, self._log().split("\n"))) - {"END"})

    def all_offers(self, lines):
        """Of each of the lines."""
        return [self.offers(line) for line in lines]

    def _log(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def end(self):
        """Closes the terminal."""
        os.close(self.master)
        self.process.terminate()
        self.process.wait(PATIENCE_S)
