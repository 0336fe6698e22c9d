using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("GumbelGan.Tests")]
