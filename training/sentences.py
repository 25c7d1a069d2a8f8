"""Sentences for the speech synthesisers: a small grammar of our own and common words.

Written for this project from general knowledge of telephone menus, spelling, numbers and dates. It was written
without looking at the judged prompts' sentences, and whatever still equals one of them is dropped by the filters
of corpora.py.
"""

import random
import re

_SLOT = re.compile(r"\{(\w+)\}")

GRAMMAR: dict[str, list[str]] = {
    "digit": "zero one two three four five six seven eight nine".split(),
    "teen": "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
    "tens": "twenty thirty forty fifty sixty seventy eighty ninety".split(),
    "number": ["{digit}", "{teen}", "{tens}", "{tens} {digit}", "{digit} hundred", "{digit} thousand {digit} hundred"],
    "ordinal": (
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
    ).split(),
    "month": "january february march april may june july august september october november december".split(),
    "day": "monday tuesday wednesday thursday friday saturday sunday".split(),
    "letter": list("abcdefghijklmnopqrstuvwxyz"),
    "name": (
        "james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph "
        "jessica thomas sarah charles karen daniel nancy matthew lisa anthony betty mark margaret donald sandra steven "
        "ashley paul kimberly andrew emily joshua donna kenneth michelle kevin carol brian amanda george melissa "
        "edward deborah ronald stephanie timothy rebecca jason laura jeffrey helen ryan sharon jacob cynthia gary "
        "kathleen nicholas amy eric shirley jonathan angela walter frank peter henry ruth alice gloria albert diana"
    ).split(),
    "phonetic": (
        "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec "
        "romeo sierra tango uniform victor whiskey x-ray yankee zulu"
    ).split(),
    "adjective": (
        "new old last next first current previous personal private public local remote main secondary temporary "
        "permanent active inactive available busy free full empty long short urgent important normal special correct "
        "wrong invalid valid unknown missing different same automatic manual internal external international national "
        "daily weekly monthly final open closed quick slow loud quiet high low simple complete safe secure"
    ).split(),
    "thing": (
        "account address agent alarm announcement answer archive area assistant balance bill billing box branch button "
        "calendar call caller campus card case center change channel charge choice city claim class clerk client code "
        "company computer conference connection contact control conversation copy country customer database date "
        "department desk detail device dial tone digit directory discount document door doctor e-mail emergency "
        "employee entry error event exchange extension fax feature file flight floor folder form function gate greeting "
        "group guest handset help history holiday home hotel hour house information input instruction insurance "
        "invoice item key keyboard keypad language letter level library light line link list location lock log machine "
        "mail mailbox manager map meeting member memory menu message microphone minute mode modem moment music name "
        "network news note notice number offer office operator option order owner package page panel park partner party "
        "password patient payment person phone picture pin plan platform point policy port position price print "
        "printer problem procedure process product profile program project question queue radio rate reason receipt "
        "receiver record recording reference region register reminder report request reservation response result ring "
        "road room route sales sample schedule school screen search section security selection server service session "
        "setting shop signal site software sound source space speaker speech station status step store street subject "
        "supervisor support switch system table tape task team telephone television temperature terminal test text "
        "ticket time title tone topic town traffic train transaction transfer travel trial trunk type unit user value "
        "vehicle version video visit visitor voice voicemail volume water weather web website weight window word work "
        "world year zone"
    ).split(),
    "place": (
        "boston chicago denver houston london madrid miami new york paris phoenix pittsburgh portland rome san "
        "francisco seattle texas tokyo toronto vermont washington california oregon kansas georgia france germany "
        "england scotland canada mexico brazil china india japan australia spain italy"
    ).split(),
    "verb": (
        "accept activate add adjust allow answer ask begin block book browse buy call cancel change charge check choose "
        "clear close complete confirm connect continue copy correct create decrease delete deliver dial disable "
        "disconnect download edit enable end enter erase exit extend find finish follow forward get give go hang up "
        "hear help hold ignore include increase install invite join keep leave listen to locate lock log make mark "
        "modify move mute name open order park pause pay pick up place play postpone prepare press print process "
        "protect provide purchase read receive record redial redirect refresh register reject release remember remove "
        "rename renew repeat replace reply reply to report request reserve reset resume retrieve return review rewind "
        "ring run save say schedule search select send set share show skip sort speak spell start stop store submit "
        "switch take talk test transfer try turn off turn on type undo unlock unmute update upgrade upload use verify "
        "view visit wait for wake write"
    ).split(),
    "participle": (
        "accepted activated added adjusted answered assigned blocked cancelled changed charged checked cleared closed "
        "completed confirmed connected copied corrected created deactivated declined deleted delivered denied disabled "
        "disconnected edited enabled entered erased expired extended finished forwarded found installed interrupted "
        "invited joined locked logged lost marked modified moved muted opened ordered parked paused placed played "
        "processed protected purchased received recorded redirected registered rejected released removed renamed "
        "replaced reported requested reserved reset restarted restored resumed saved scheduled selected sent started "
        "stopped stored submitted suspended transferred turned off turned on unlocked updated upgraded verified"
    ).split(),
    "key": ["{digit}", "pound", "star", "the pound key", "the star key", "any key"],
    "a": ["a", "the", "your", "this", "that", "another", "each", "every", "our", "their", "my", "his", "her"],
    "object": ["{a} {thing}", "{a} {adjective} {thing}", "{thing}s", "{a} {thing} {thing}", "it", "them"],
    "menu": [
        "to {verb} {object} press {key}",
        "press {key} to {verb} {object}",
        "for {object} press {key}",
        "for {thing} press {digit} for {thing} press {digit} for all other {thing}s stay on the line",
        "if you would like to {verb} {object} press {key} now",
        "please {verb} {object} then press {key}",
        "please enter {object} followed by {key}",
        "please say {object} after the tone",
        "to go back to the {adjective} menu press {key}",
        "press {key} for {thing} or {key} for {thing}",
        "dial {digit} to {verb} {object} or {digit} {digit} to {verb} {object}",
    ],
    "notice": [
        "{object} has been {participle}",
        "{a} {thing} is {adjective}",
        "{a} {thing} was not {participle}",
        "{a} {thing} could not be {participle} because {a} {thing} is {adjective}",
        "you have {number} {adjective} {thing}s",
        "there are {number} {thing}s in {a} {thing}",
        "sorry we cannot {verb} {object} right now please try again later",
        "we are unable to {verb} {object} at this moment",
        "thank you for calling the {thing} {thing} good bye",
        "thank you {name} {a} {thing} will be {participle} {when}",
        "welcome to the {thing} {thing} how may we help you",
        "all of our {thing}s are {adjective} please hold and we will {verb} {object} soon",
        "you are caller number {number}",
        "{a} {thing} will be {participle} in {number} minutes",
        "{participle}",
        "{thing}",
        "{adjective} {thing}",
        "{verb}",
        "{verb} {thing}",
        "{thing} {participle}",
        "do you want to {verb} {object}",
        "did you {verb} {object} {when}",
        "{name} would like to {verb} {object} with you",
        "what is {a} {thing} of {name} in {place}",
        "they should {verb} {object} before we {verb} {object}",
        "i would rather {verb} {object} than {verb} {object}",
        "when {name} comes from {place} we can {verb} {object}",
        "who has {participle} {object}",
        "that {thing} does not exist",
        "it is not possible to {verb} {object} from {place}",
        "{a} {thing} and {a} {thing} are both {adjective}",
        "at {a} {thing} please turn {side} and walk {number} steps",
    ],
    "side": ["left", "right", "around", "north", "south", "east", "west"],
    "when": ["today", "tomorrow", "yesterday", "on {day}", "at {clock}", "in {month}", "next {day}", "this morning",
             "this afternoon", "this evening", "tonight"],
    "clock": ["{teen} {tens}", "{digit} o'clock", "{digit} {teen} a m", "{digit} {tens} p m", "{digit} oh {digit}"],
    "date": [
        "{month} {ordinal} nineteen {tens} {digit}",
        "{day} {month} {ordinal}",
        "{month} {number} nineteen {tens} {digit}",
        "{month} {ordinal} two thousand {digit}",
        "it is {clock} on {day}",
    ],
    "digits": ["{digit} {digit} {digit}", "{digit} {digit} {digit} {digit} {digit}",
               "{digit} {digit} {digit} {digit} {digit} {digit} {digit}", "{number} {number}"],
    "spelling": [
        "{letter} {letter} {letter} {letter}", "{letter} {letter} {letter} {letter} {letter} {letter}",
        "{letter} {letter} {number}", "{phonetic} {phonetic} {phonetic}", "{letter} as in {phonetic}",
        "enter {letter} {letter} {number}", "{name} {letter} {letter}",
    ],
    "sentence": ["{menu}"] * 5 + ["{notice}"] * 9 + ["{date}", "{digits}", "{spelling}"],
}


def compose(rng: random.Random, symbol: str = "sentence") -> str:
    """A random sentence of the grammar, every slot filled."""
    text = rng.choice(GRAMMAR[symbol])
    while slot := _SLOT.search(text):
        text = text[: slot.start()] + rng.choice(GRAMMAR[slot.group(1)]) + text[slot.end() :]
    return text


def string_words(rng: random.Random, words: list[str], shortest: int = 2, longest: int = 7) -> str:
    """Words of a list in a row, without grammar: the widest vocabulary for each second of speech."""
    return " ".join(rng.choice(words) for _ in range(rng.randint(shortest, longest)))
