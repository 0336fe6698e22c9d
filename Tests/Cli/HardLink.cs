using System.Runtime.InteropServices;

namespace GumbelGan.Tests.Cli;

/// <summary>Hard links, which .NET does not make.</summary>
internal static partial class HardLink
{
    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Create(string existing, string name);
}
