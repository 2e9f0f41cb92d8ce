"""What people look at: reports, tables and pictures, made from values as text. All foreign text is escaped."""
