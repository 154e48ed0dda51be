import lposs_core


def test_every_public_name_exists_once():
    assert len(set(lposs_core.__all__)) == len(lposs_core.__all__)
    for name in lposs_core.__all__:
        assert getattr(lposs_core, name) is not None


def test_the_names_of_the_contract_are_public():
    assert {"propagate", "refine", "LPOSSConfig", "window_boxes"} <= set(lposs_core.__all__)


def test_what_is_public_says_what_it_is():
    things = {name: getattr(lposs_core, name) for name in lposs_core.__all__}
    described = [name for name, thing in things.items() if callable(thing)]
    assert all(things[name].__doc__ for name in described)
