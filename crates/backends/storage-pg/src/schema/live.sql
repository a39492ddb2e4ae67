(e.expires IS NULL OR e.expires > moment OR e.expires < 0)
