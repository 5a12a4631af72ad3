import django.db.models.deletion
from django.db import migrations, models

# The audit trail takes new rows and nothing else, whoever asks: only who owns the tables can take these rules away, and
# what is changed then shows in the chain.
APPEND_ONLY = """
CREATE FUNCTION accounts_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_append_only();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_append_only();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON accounts_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_append_only();
"""
ANY_CHANGE = """
DROP TRIGGER not_truncated ON accounts_auditlink;
DROP TRIGGER not_truncated ON accounts_auditevent;
DROP TRIGGER append_only ON accounts_auditlink;
DROP TRIGGER append_only ON accounts_auditevent;
DROP FUNCTION accounts_append_only();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_people'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditevent',
            name='token',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.apitoken'),
        ),
        migrations.CreateModel(
            name='AuditLink',
            fields=[
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='link', serialize=False, to='accounts.auditevent')),
                ('position', models.BigIntegerField()),
                ('digest', models.BinaryField(max_length=32)),
                ('organization', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'position'), name='audit_link_once', nulls_distinct=False)],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, ANY_CHANGE),
    ]
