"""The classes of coarse6 in wordings that share no stem with any phrase or sentence of training.

`IN_DICTIONARIES`: ten a class; most occur in the dictionaries that the text tower learns words from, though
never with a picture (docs/words.md). `NOWHERE`: three a class that occur in no text of training at all.
"""

from collections.abc import Mapping

Wordings = Mapping[str, tuple[str, ...]]
"""Language -> one line a class, in the order of coarse6, its wordings between commas."""

IN_DICTIONARIES: Wordings = {
    "en": (
        "palace, mansion, villa, cottage, chalet, dwelling, residence, tenement, tower, hotel",
        "dormer, oriel, transom, porthole, shutter, louvre, jalousie, lunette, aperture, mullion",
        "portal, hatch, access, wicket, exit, egress, ingress, portcullis, threshold, turnstile",
        "placard, notice, hoarding, inscription, emblem, logo, label, trademark, commercial, bulletin",
        "earth, soil, cobble, gravel, kerb, lane, alley, avenue, boulevard, highway",
        "taxi, sedan, limousine, jeep, lorry, hatchback, jalopy, coupe, ambulance, pickup",
    ),
    "ru": (
        "особняк, сооружение, строение, вилла, коттедж, жилище, башня, многоэтажка, гостиница, усадьба",
        "форточка, иллюминатор, фрамуга, ставни, люкарна, эркер, бойница, амбразура, жалюзи, люнет",
        "калитка, портал, створка, люк, выход, тамбур, вестибюль, турникет, врата, притвор",
        "афиша, эмблема, логотип, лозунг, растяжка, бирка, анонс, этикетка, ярлык, извещение",
        "почва, грунт, аллея, бульвар, проспект, переулок, булыжник, гравий, обочина, бордюр",
        "такси, джип, седан, лимузин, пикап, иномарка, маршрутка, кабриолет, трамвай, самосвал",
    ),
}
NOWHERE: Wordings = {
    "en": (
        "highrise, mcmansion, newbuild",
        "velux, skylite, bifora",
        "bifold, egressway, rollup",
        "adbox, infographic, wayfinder",
        "setts, tarseal, hardstanding",
        "skoda, hypersaloon, kei",
    ),
    "ru": (
        "хрущёвка, высотка, пятиэтажка",
        "рольставни, иллюминаторчик, бифорий",
        "щеколдочка, калиточка, тамбурок",
        "лайтбокс, штендер, билборд",
        "поребрик, грейдерка, гравийка",
        "минивэн, жигули, паркетник",
    ),
}
