# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for migtune(1). Needs neither the package bash-completion nor a running watcher.
#
# Domains are asked of libvirt by virsh, which is read-only, silent, and has 2 s; without virsh none are offered. What models
# there are migtune itself tells. A word in quotes is not completed.

_migtune_commands='watch plan migrate evacuate set get status history report explain model simulate calibrate check cleanup'

# The options of a subcommand, or, for "", those that every one has. A value follows those that end in "=".
_migtune_options() {
  local common='--help --config= --run-dir= --log= --debug'
  local move='--urgency= --max-downtime= --bandwidth= --post-copy --no-post-copy --undefine --connect= --dry-run --json'
  case $1 in
    '') echo "$common --version" ;;
    watch) echo "$common --connect=" ;;
    plan) echo "$common --urgency= --max-downtime= --connect= --json --offline" ;;
    migrate) echo "$common $move" ;;
    evacuate) echo "$common $move --parallel= --overcommit" ;;
    set) echo "$common --unset= --connect=" ;;
    get) echo "$common --json --connect=" ;;
    status) echo "$common --follow --json" ;;
    history) echo "$common --since= --domain= --failed --last= --json --accuracy --what-if" ;;
    report) echo "$common -o= --since= --domain= --failed --last= --timelines=" ;;
    explain) echo "$common --json --history=" ;;
    model) echo "$common --list --json --csv --figure= --table= --plot=" ;;
    simulate)
      echo "$common --network= --link-capacity= --requests= --runs= --seed= --rate= --law= --strategies= --memory=" \
        "--dirty-rate= --dirty-sd= --max-downtime= --tau= --tg= --max-iterations= --lambda= --increment= --epsilon= --delta=" \
        "--max-bandwidth= --clark-initial= --clark-addition= --clark-maximum= --cost-scale= --plot= --json --csv" ;;
    calibrate) echo "$common --history= --since= --json --plot=" ;;
    check | cleanup) echo "$common" ;;
  esac
}

# Keys that a rule, `migtune set` and `migtune plan --offline` take.
_migtune_keys='mode lambda_low lambda_high dirty_low dirty_high strategy technique urgency max_downtime max_iterations deadline
  deadline_high deadline_medium deadline_low min_bandwidth post_copy post_copy_switch auto_converge parallel compression
  on_no_convergence exceed_downtime inter_iteration_delay reconfiguration_time alpha_floor max_network_utilisation sla_lower
  sla_upper idle_below direction_factor clark_initial clark_addition clark_maximum cost_bandwidth cost_function cost_scale
  cost_table'

# Keys of `migtune plan --offline` beyond those.
_migtune_offline_keys='memory dirty_rate link tau tg src_in src_out dst_in dst_out vm_in vm_out hot_share hot_dirty_rate
  cold_dirty_rate caller_flags caller_bandwidth guest_paused libvirt qemu cpu_idle cpus memory_free'

# The words that a key may be set to; none where it is a quantity.
_migtune_words() {
  case $1 in
    mode) echo enforce observe off ;;
    strategy) echo lambda-range delta-increment min-bandwidth max-bandwidth clark cost-aware ;;
    technique) echo traffic-aware predicted pre-copy post-copy hybrid ;;
    urgency) echo high medium low ;;
    post_copy | auto_converge | parallel | compression) echo never permitted add ;;
    post_copy_switch) echo auto immediate first-pass ;;
    on_no_convergence) echo continue exceed abort ;;
    cost_bandwidth) echo stepwise fixed ;;
    cost_function) echo exp ratio hyper linear table ;;
    guest_paused) echo true false ;;
  esac
}

# The names of libvirt's domains, one a line. The first argument: the running ones, or --all.
_migtune_domains() {
  local arguments=(-r -q) timeout=()
  [[ -z $_migtune_connect ]] || arguments+=(-c "$_migtune_connect")
  [[ -n $_migtune_connect || -n $LIBVIRT_DEFAULT_URI ]] || arguments+=(-c qemu:///system)
  [[ $1 != --all ]] || arguments+=(list --name --all)
  [[ $1 == --all ]] || arguments+=(list --name)
  ! type -P timeout >/dev/null || timeout=(timeout -k 1 2)
  "${timeout[@]}" virsh "${arguments[@]}" 2>/dev/null </dev/null
}

# What migtune tells of its models: names, or, with one, the arguments of that.
_migtune_models() {
  if [[ -z $1 ]]; then
    "$_migtune_program" model --list 2>/dev/null </dev/null | sed -n 's/^\([a-zA-Z0-9_.]*\)(.*/\1/p'
  else
    "$_migtune_program" model "$1" --help 2>/dev/null </dev/null | sed -n 's/^[a-zA-Z0-9_.]*(\(.*\))$/\1/p' |
      tr -d ' []' | tr , '\n'
  fi
}

# Offers those lines of standard input that begin with $1, with $2 before and $3 behind each.
_migtune_offer() {
  local line quoted
  while IFS= read -r line; do
    [[ -n $line && $line == "$1"* ]] || continue
    printf -v quoted '%q' "$line"
    COMPREPLY+=("$2$quoted$3")
  done
}

# The same of words.
_migtune_offer_words() {
  # shellcheck disable=SC2086 # words
  _migtune_offer "$1" "$2" "$3" < <(printf '%s\n' $4)
}

_migtune_offer_files() {
  local kind=-f
  [[ $2 != directories ]] || kind=-d
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen $kind -- "$1")
}

# key=value, of these keys.
_migtune_offer_keys() {
  local cur=$1 key words
  if [[ $cur == *=* ]]; then
    key=${cur%%=*}
    key=${key//-/_}
    words=$(_migtune_words "$key")
    [[ $3 != offline || $key != post_copy ]] || words+=' true false'
    _migtune_offer_words "${cur#*=}" "${cur%%=*}=" '' "$words"
  else
    compopt -o nospace 2>/dev/null
    _migtune_offer_words "$cur" '' = "$2"
  fi
}

_migtune_offer_uris() {
  compopt -o nospace 2>/dev/null
  _migtune_offer_words "$1" '' '' 'qemu+ssh:// qemu+tls:// qemu+tcp://'
}

# The value of an option.
_migtune_value() {
  local option=$1 command=$2 cur=$3 list=
  [[ $cur != *,* ]] || list=${cur%,*},
  case $option in
    --config | --history | --plot | -o) _migtune_offer_files "$cur" ;;
    --run-dir) _migtune_offer_files "$cur" directories ;;
    --log) _migtune_offer_words "$cur" '' '' 'syslog stderr file:' ;;
    --connect) _migtune_offer_words "$cur" '' '' 'qemu:///system qemu:///session' ;;
    --urgency) _migtune_offer_words "$cur" '' '' "$(_migtune_words urgency)" ;;
    --parallel) _migtune_offer_words "$cur" '' '' auto ;;
    --unset) _migtune_offer_words "$cur" '' '' "$_migtune_keys" ;;
    --domain) _migtune_offer "$cur" '' '' < <(_migtune_domains --all) ;;
    --law)
      _migtune_offer_words "${cur##*,}" "$list" '' 'uniform normal exponential exponential-clamped all' ;;
    --strategies) _migtune_offer_words "${cur##*,}" "$list" '' "$(_migtune_words strategy) all" ;;
    --network)
      _migtune_offer_files "$cur"
      _migtune_offer_words "$cur" '' '' 'usnet nsfnet' ;;
    --figure | --table)
      [[ $command != model ]] ||
        _migtune_offer "$cur" '' '' < <("$_migtune_program" model "$option" --list 2>/dev/null </dev/null | sed 's/ .*//') ;;
  esac
}

# The place-th argument of a command that is no option; the first one there was is $4.
_migtune_argument() {
  local command=$1 place=$2 cur=$3 first=$4
  case $command:$place in
    plan:* | migrate:*)
      if [[ $command == plan && $_migtune_offline == yes ]]; then
        _migtune_offer_keys "$cur" "$_migtune_offline_keys $_migtune_keys" offline
      elif ((place == 1)); then
        _migtune_offer "$cur" '' '' < <(_migtune_domains)
      elif ((place == 2)); then
        _migtune_offer_uris "$cur"
      fi ;;
    evacuate:1) _migtune_offer_uris "$cur" ;;
    evacuate:*) _migtune_offer "$cur" '' '' < <(_migtune_domains) ;;
    set:1 | get:1 | explain:1) _migtune_offer "$cur" '' '' < <(_migtune_domains --all) ;;
    set:*) _migtune_offer_keys "$cur" "$_migtune_keys" ;;
    get:2) _migtune_offer_words "$cur" '' '' "$_migtune_keys" ;;
    model:1) _migtune_offer "$cur" '' '' < <(_migtune_models) ;;
    model:*)
      compopt -o nospace 2>/dev/null
      _migtune_offer "$cur" '' = < <(_migtune_models "$first") ;;
    history:1 | report:1 | check:1) _migtune_offer_files "$cur" ;;
  esac
}

# The line up to the cursor as words, without bash's own breaks at ":" and "=".
_migtune_split() {
  local IFS=$' \t\n'
  # shellcheck disable=SC2162 # backslashes are to be undone
  read -a _migtune_line <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} != *[[:blank:]] || ${COMP_LINE:0:COMP_POINT} == *\\[[:blank:]] ]] || _migtune_line+=('')
}

# Walks over what stands before the cursor.
_migtune_look() {
  local i word options
  _migtune_command='' _migtune_place=1 _migtune_first='' _migtune_pending='' _migtune_connect='' _migtune_offline=no
  for ((i = 1; i < ${#_migtune_line[@]} - 1; i++)); do
    word=${_migtune_line[i]}
    options=" $(_migtune_options "$_migtune_command") "
    [[ $_migtune_pending != --connect ]] || _migtune_connect=$word
    [[ $word != --connect=* ]] || _migtune_connect=${word#*=}
    [[ $word != --offline ]] || _migtune_offline=yes
    if [[ -n $_migtune_pending ]]; then
      _migtune_pending=
    elif [[ $word == -* && $options == *" $word= "* ]]; then
      _migtune_pending=$word
    elif [[ $word == -* ]]; then
      :
    elif [[ -z $_migtune_command ]]; then
      _migtune_command=$word
    else
      ((_migtune_place++ > 1)) || _migtune_first=$word
    fi
  done
}

# bash replaces only what stands behind the last of its breaks.
_migtune_cut() {
  local cur=$1 breaks='' i
  [[ $COMP_WORDBREAKS != *:* ]] || breaks+=':'
  [[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
  [[ -n $breaks && $cur == *[$breaks]* ]] || return 0
  for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"${cur%"${cur##*["$breaks"]}"}"}; done
}

_migtune() {
  local _migtune_program=$1 _migtune_line _migtune_command _migtune_place _migtune_first _migtune_pending _migtune_connect
  local _migtune_offline cur option
  COMPREPLY=()
  _migtune_split
  _migtune_look
  cur=${_migtune_line[${#_migtune_line[@]} - 1]}
  if [[ -n $_migtune_pending ]]; then
    _migtune_value "$_migtune_pending" "$_migtune_command" "$cur"
  elif [[ $cur == --*=* ]]; then
    option=${cur%%=*}
    _migtune_value "$option" "$_migtune_command" "${cur#*=}"
    COMPREPLY=("${COMPREPLY[@]/#/$option=}")
  elif [[ $cur == -* ]]; then
    _migtune_offer_words "$cur" '' '' "$(_migtune_options "$_migtune_command" | tr -d =)"
  elif [[ -z $_migtune_command ]]; then
    _migtune_offer_words "$cur" '' '' "$_migtune_commands"
  else
    _migtune_argument "$_migtune_command" "$_migtune_place" "$cur" "$_migtune_first"
  fi
  _migtune_cut "$cur"
}

complete -F _migtune migtune
