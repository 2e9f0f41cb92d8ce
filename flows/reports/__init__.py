"""What people look at: reports, tables and pictures as text, made from values. Pure."""
