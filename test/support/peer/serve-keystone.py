# Debian's Keystone in one process: creates, bootstraps and serves its database. Otherwise keystone-manage's
# three calls and the server would each load Keystone again. Arguments: configuration file, address, port, password.
import os
import sqlite3
import sys
import wsgiref.simple_server

from keystone import server
from keystone.cmd import bootstrap
from keystone.common.sql import upgrades
from keystone.server.flask import core

config, address, port, password = sys.argv[1:]
sys.argv[1:] = []
set_up = server.setup_backends


def set_up_with_content(*args, **kwargs):
    upgrades.offline_sync_database_to_version()
    backends = set_up(*args, **kwargs)
    # The backends are already loaded, and may be loaded only once.
    bootstrap.backends.load_backends = lambda: None
    work = bootstrap.Bootstrapper()
    work.admin_username = work.project_name = work.admin_role_name = 'admin'
    work.admin_password = password
    work.service_name = 'keystone'
    work.public_url = 'http://%s:%s/v3' % (address, port)
    work.bootstrap()
    return backends


server.setup_backends = set_up_with_content
# Keystone leaves readers open, which lock writers out without WAL.
database = os.path.join(os.path.dirname(config), 'keystone.sqlite')
sqlite3.connect(database).execute('PRAGMA journal_mode=WAL').close()
application = core.initialize_application(name='public', config_files=[config])
wsgiref.simple_server.make_server(address, int(port), application).serve_forever()
