"""The accounts that scripts of CalDAVTester know, as a file for `shoji apply`: the password is the name."""

names = [(f"user{number:02}", f"User {number:02}") for number in range(1, 41)]
names += [(f"public{number:02}", f"Public {number:02}") for number in range(1, 11)]
names += [("admin", "Super User")]

for name, display_name in names:
    print(f'[[user]]\nname = "{name}"\npassword = "{name}"\ndisplay_name = "{display_name}"\nemails = ["{name}@example.com"]\n')
    print(f'[[calendar]]\nowner = "{name}"\nname = "calendar"\ndisplay_name = "calendar"\n')
