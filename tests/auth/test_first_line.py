"""The whole way once: register, sign in, be known, make a key, sign out."""

from tests.auth.process import MakePerson, Process


async def test_a_person_registers_signs_in_makes_a_key_and_signs_out(
    process: Process, person: MakePerson
) -> None:
    kim = await person(process)
    async with process.client() as http:
        me = await http.get("/api/auth/me", headers=kim.bearer)
        assert me.status_code == 200
        assert me.json()["email"] == kim.email
        assert me.json()["role"] == "user"
        made = await http.post("/api/keys", json={"name": "laptop"}, headers=kim.bearer)
        assert made.status_code == 201
        key = made.json()["key"]
        used = await http.get("/v1/probe", headers={"authorization": f"Bearer {key}"})
        assert used.json() == {"user_id": kim.user_id, "key_id": made.json()["id"]}
        assert (await http.post("/api/auth/logout", headers=kim.bearer)).status_code == 204
        assert (await http.get("/api/auth/me", headers=kim.bearer)).status_code == 401
