"""The endpoints of auth: `router` belongs under /api, `well_known_router` at the root."""

from fastapi import APIRouter

from auth.accounts.endpoints import router as accounts_router
from auth.api_keys.endpoints import router as api_keys_router
from auth.audit.endpoints import router as audit_router
from auth.credentials.endpoints import router as credentials_router
from auth.deletion.endpoints import router as deletion_router
from auth.groups.endpoints import router as groups_router
from auth.invitations.endpoints import router as invitations_router
from auth.mfa.endpoints import router as mfa_router
from auth.oauth.endpoints import router as oauth_router
from auth.passkeys.endpoints import router as passkeys_router
from auth.people.endpoints import router as people_router
from auth.pictures.endpoints import router as pictures_router
from auth.sessions.endpoints import router as sessions_router
from auth.sessions.endpoints import well_known_router

__all__ = ["router", "well_known_router"]

router = APIRouter()
router.include_router(accounts_router)
router.include_router(deletion_router)
router.include_router(pictures_router)
router.include_router(sessions_router)
router.include_router(credentials_router)
router.include_router(mfa_router)
router.include_router(passkeys_router)
router.include_router(oauth_router)
router.include_router(api_keys_router)
router.include_router(people_router)
router.include_router(groups_router)
router.include_router(invitations_router)
router.include_router(audit_router)
