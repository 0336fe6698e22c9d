using System.Runtime.CompilerServices;
using GumbelGan.Engine;

namespace GumbelGan.Tests;

/// <summary>Gives libtorch the environment that the program gives it, before any test can load it.</summary>
internal static class EngineEnvironment
{
    [ModuleInitializer]
    internal static void Apply() => EngineSettings.ApplyEnvironment();
}
